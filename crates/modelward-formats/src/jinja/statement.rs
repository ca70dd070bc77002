//! The grammar of statements: those of Jinja2 3.1, of its `do` and `loopcontrols` extensions, and
//! `generation`, which transformers adds.

use super::{
    lexer::Kind as Lexeme,
    parser::Parser,
    syntax::{Expression, Parameter, Statement},
};
use crate::Refusal;

type Body = Vec<Statement>;

impl Parser {
    /// A whole template.
    pub(super) fn template(mut self) -> Result<Body, Refusal> {
        let body = self.body(&[])?;
        match self.peek() {
            None => Ok(body),
            Some(_) => self.refuse("the end of a block that was not opened".to_owned()),
        }
    }

    /// Statements up to a tag of one of these words, whose word is left to the caller.
    fn body(&mut self, ends: &[&str]) -> Result<Body, Refusal> {
        let mut body = Vec::new();
        loop {
            let at = self.at();
            match self.peek() {
                None if ends.is_empty() => return Ok(body),
                None => return self.refuse(format!("expected `{}`", ends.join("` or `"))),
                Some(Lexeme::Text(text)) => {
                    body.push(Statement::Text(at, text.clone()));
                    self.advance();
                }
                Some(Lexeme::PrintBegin) => {
                    self.advance();
                    body.push(Statement::Print(self.tuple(true)?));
                    if !matches!(self.advance().map(|token| token.kind), Some(Lexeme::PrintEnd)) {
                        return Err(Refusal::truncated(at as u64, "expected `}}`"));
                    }
                }
                Some(Lexeme::TagBegin) => {
                    if matches!(self.peek_at(1), Some(Lexeme::Name(n)) if ends.contains(&n.as_str()))
                    {
                        self.advance();
                        return Ok(body);
                    }
                    self.advance();
                    self.deeper(|parser| parser.statement(&mut body))?;
                }
                Some(_) => return self.refuse("expected text or a tag".to_owned()),
            }
        }
    }

    /// A body and the tag that ends it, also where that tag repeats a name.
    fn body_to(&mut self, end: &str) -> Result<Body, Refusal> {
        self.tag_end()?;
        let body = self.body(&[end])?;
        self.advance();
        if matches!(self.peek(), Some(Lexeme::Name(_))) {
            self.advance();
        }
        self.tag_end()?;
        Ok(body)
    }

    fn statement(&mut self, into: &mut Body) -> Result<(), Refusal> {
        let at = self.at();
        let word = self.name()?;
        let statement = match word.as_str() {
            "for" => self.for_loop()?,
            "if" => self.conditional()?,
            "set" => self.assignment()?,
            "macro" => {
                let name = self.name()?;
                self.expect("(")?;
                let parameters = self.parameters()?;
                Statement::Macro { name, parameters, body: self.body_to("endmacro")? }
            }
            "call" => {
                let parameters = if self.operator("(") { self.parameters()? } else { Vec::new() };
                let call = self.expression()?;
                let body = self.body_to("endcall")?;
                into.push(Statement::Macro { name: "caller".to_owned(), parameters, body });
                Statement::Print(call)
            }
            "filter" => {
                let filters = self.block_filters()?;
                Statement::Filter(filters, self.body_to("endfilter")?)
            }
            "block" => {
                self.name()?;
                while self.word("scoped") || self.word("required") {}
                Statement::Group(self.body_to("endblock")?)
            }
            "generation" => Statement::Group(self.body_to("endgeneration")?),
            "autoescape" => {
                into.push(Statement::Print(self.expression()?));
                Statement::Group(self.body_to("endautoescape")?)
            }
            "with" => {
                let mut bindings = Vec::new();
                while !matches!(self.peek(), Some(Lexeme::TagEnd) | None) {
                    let target = self.target()?;
                    self.expect("=")?;
                    bindings.push(Statement::Set { target, value: self.expression()? });
                    self.operator(",");
                }
                bindings.extend(self.body_to("endwith")?);
                Statement::Group(bindings)
            }
            "break" | "continue" => {
                self.tag_end()?;
                return Ok(());
            }
            "do" | "print" => {
                let value = self.tuple(true)?;
                self.tag_end()?;
                Statement::Print(value)
            }
            "extends" => self.load("extends")?,
            "include" => self.load("include")?,
            "import" => self.load("import")?,
            "from" => self.load("from")?,
            _ => {
                let why = format!("a statement that Jinja does not have: `{word}`");
                return Err(Refusal::truncated(at as u64, why));
            }
        };
        into.push(statement);
        Ok(())
    }

    fn for_loop(&mut self) -> Result<Statement, Refusal> {
        let target = self.target()?;
        if !self.word("in") {
            return self.refuse("expected `in`".to_owned());
        }
        let over = self.tuple(false)?;
        let only_if = if self.word("if") { Some(self.expression()?) } else { None };
        self.word("recursive");
        self.tag_end()?;
        let body = self.body(&["else", "endfor"])?;
        let otherwise =
            if self.word("else") { self.body_to("endfor")? } else { self.end_of_block()? };
        Ok(Statement::For { target, over, only_if, body, otherwise })
    }

    /// The rest of an end tag, as an empty body.
    fn end_of_block(&mut self) -> Result<Body, Refusal> {
        self.advance();
        self.tag_end()?;
        Ok(Vec::new())
    }

    fn conditional(&mut self) -> Result<Statement, Refusal> {
        let mut branches = Vec::new();
        loop {
            let condition = self.tuple(false)?;
            self.tag_end()?;
            branches.push((condition, self.body(&["elif", "else", "endif"])?));
            if self.word("elif") {
                continue;
            }
            let otherwise =
                if self.word("else") { self.body_to("endif")? } else { self.end_of_block()? };
            return Ok(Statement::If(branches, otherwise));
        }
    }

    fn assignment(&mut self) -> Result<Statement, Refusal> {
        let target = self.target()?;
        if self.operator("=") {
            let value = self.tuple(true)?;
            self.tag_end()?;
            return Ok(Statement::Set { target, value });
        }
        let filters = if self.operator("|") { Some(self.block_filters()?) } else { None };
        Ok(Statement::SetBody { target, filters, body: self.body_to("endset")? })
    }

    /// The parameters of a macro, the closing bracket included.
    fn parameters(&mut self) -> Result<Vec<Parameter>, Refusal> {
        let mut parameters = Vec::new();
        while !self.operator(")") {
            let name = self.name()?;
            let default = if self.operator("=") { Some(self.expression()?) } else { None };
            parameters.push(Parameter { name, default });
            if !self.operator(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(parameters)
    }

    fn load(&mut self, word: &'static str) -> Result<Statement, Refusal> {
        let source: Expression = self.expression()?;
        let mut names = Vec::new();
        if word == "import" {
            if !self.word("as") {
                return self.refuse("expected `as`".to_owned());
            }
            names.push(self.name()?);
        } else if word == "from" {
            if !self.word("import") {
                return self.refuse("expected `import`".to_owned());
            }
            while !self.is_word("with") && !self.is_word("without") {
                let name = self.name()?;
                names.push(if self.word("as") { self.name()? } else { name });
                if !self.operator(",") {
                    break;
                }
            }
        }
        while matches!(self.peek(), Some(Lexeme::Name(_))) {
            self.advance();
        }
        self.tag_end()?;
        Ok(Statement::Load { word, source, names })
    }
}
