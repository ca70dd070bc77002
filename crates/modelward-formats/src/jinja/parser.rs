//! A place in the tokens of a template, and what every part of the grammar asks of it.

use super::{
    lexer::{Kind as Lexeme, Token},
    syntax::{Expression, Kind},
};
use crate::{Gap, Refusal};

/// A walk over the tokens. Statements and expressions are parsed in files of their own.
pub(super) struct Parser {
    tokens: Vec<Token>,
    next: usize,
    /// How many brackets, operators and blocks are open: bounds the recursion.
    depth: usize,
}

impl Parser {
    /// Brackets, operators and blocks within one another. Jinja2 itself gives up at about 80,
    /// where it reaches Python's recursion limit.
    const DEPTH: usize = 100;
    /// Operators in a row, which make a tree as high as they are many.
    const HEIGHT: usize = 300;

    pub(super) fn new(tokens: Vec<Token>) -> Self {
        Self { tokens, next: 0, depth: 0 }
    }

    pub(super) fn peek(&self) -> Option<&Lexeme> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<&Lexeme> {
        self.tokens.get(self.next.saturating_add(ahead)).map(|token| &token.kind)
    }

    /// Offset of the next token.
    pub(super) fn at(&self) -> usize {
        let token = self.tokens.get(self.next).or(self.tokens.last());
        token.map_or(0, |token| token.at)
    }

    /// Take the next token.
    pub(super) fn advance(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next = self.next.saturating_add(1);
        token
    }

    /// Take the next token if it is this operator.
    pub(super) fn operator(&mut self, operator: &str) -> bool {
        let found = matches!(self.peek(), Some(Lexeme::Operator(each)) if *each == operator);
        self.next = self.next.saturating_add(usize::from(found));
        found
    }

    /// Take the next token if it is this word.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.next = self.next.saturating_add(usize::from(found));
        found
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Lexeme::Name(name)) if name == word)
    }

    /// Take the next token, which must be a name.
    pub(super) fn name(&mut self) -> Result<String, Refusal> {
        let at = self.at();
        match self.advance() {
            Some(Token { kind: Lexeme::Name(name), .. }) => Ok(name),
            _ => Err(Refusal::truncated(at as u64, "expected a name")),
        }
    }

    pub(super) fn expect(&mut self, operator: &'static str) -> Result<(), Refusal> {
        if self.operator(operator) {
            return Ok(());
        }
        self.refuse(format!("expected `{operator}`"))
    }

    /// Take the end of a tag, which must be next.
    pub(super) fn tag_end(&mut self) -> Result<(), Refusal> {
        if matches!(self.peek(), Some(Lexeme::TagEnd)) {
            self.advance();
            return Ok(());
        }
        self.refuse("expected the end of the tag".to_owned())
    }

    pub(super) fn refuse<T>(&self, why: String) -> Result<T, Refusal> {
        Err(Refusal::truncated(self.at() as u64, why))
    }

    /// Go one level down, for the time of `inner`.
    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if self.depth >= Self::DEPTH {
            let why = format!("a template nested more than {} deep", Self::DEPTH);
            return Err(Refusal::new(self.at() as u64, Gap::DeepNesting, why));
        }
        self.depth = self.depth.saturating_add(1);
        let result = inner(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// An expression over its children, unless the tree becomes too high to walk down.
    pub(super) fn make(&self, at: usize, kind: Kind) -> Result<Expression, Refusal> {
        let expression = Expression::new(at, kind);
        if expression.height > Self::HEIGHT {
            let why = format!("more than {} operators in a row", Self::HEIGHT);
            return Err(Refusal::new(at as u64, Gap::DeepNesting, why));
        }
        Ok(expression)
    }
}
