//! The grammar of expressions, as `jinja2.parser` of Jinja2 3.1 has it.

use super::{
    lexer::Kind as Lexeme,
    parser::Parser,
    syntax::{Arguments, Expression, Kind},
};
use crate::Refusal;

type Parsed = Result<Expression, Refusal>;

impl Parser {
    /// Expressions with commas between them: one alone stands for itself.
    pub(super) fn tuple(&mut self, conditional: bool) -> Parsed {
        let at = self.at();
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            if self.at_tuple_end() {
                break;
            }
            items.push(if conditional { self.expression()? } else { self.binary(0)? });
            if !self.operator(",") {
                break;
            }
            comma = true;
        }
        match items.pop() {
            Some(only) if items.is_empty() && !comma => Ok(only),
            Some(last) => {
                items.push(last);
                self.make(at, Kind::List(items))
            }
            None => self.refuse("expected an expression".to_owned()),
        }
    }

    fn at_tuple_end(&self) -> bool {
        matches!(
            self.peek(),
            None | Some(Lexeme::PrintEnd | Lexeme::TagEnd | Lexeme::Operator(")"))
        )
    }

    /// An expression with its inline `if`.
    pub(super) fn expression(&mut self) -> Parsed {
        self.deeper(|parser| {
            let mut value = parser.binary(0)?;
            while parser.is_word("if") {
                let at = parser.at();
                parser.advance();
                let condition = Box::new(parser.binary(0)?);
                let other = if parser.word("else") { Some(parser.expression()?) } else { None };
                let kind = Kind::Conditional(condition, Box::new(value), other.map(Box::new));
                value = parser.make(at, kind)?;
            }
            Ok(value)
        })
    }

    /// Operands with operators between them that bind at least as tightly as `least`.
    fn binary(&mut self, least: usize) -> Parsed {
        self.deeper(|parser| {
            let at = parser.at();
            let mut left = if least <= NOT && parser.word("not") {
                let operand = parser.binary(NOT)?;
                parser.make(at, Kind::Unary("not", Box::new(operand)))?
            } else {
                parser.unary(true)?
            };
            while let Some((operator, words, tightness)) = parser.peek_binary() {
                if tightness < least {
                    break;
                }
                (0..words).for_each(|_| drop(parser.advance()));
                let right = parser.binary(tightness.saturating_add(1))?;
                left = parser.make(at, Kind::Binary(operator, Box::new(left), Box::new(right)))?;
            }
            Ok(left)
        })
    }

    /// The binary operator that comes next: how many tokens it has, how tightly it binds.
    fn peek_binary(&self) -> Option<(&'static str, usize, usize)> {
        let found = match self.peek()? {
            Lexeme::Operator(operator) => {
                let tightness = match *operator {
                    "==" | "!=" | "<" | "<=" | ">" | ">=" => COMPARE,
                    "+" | "-" => 5,
                    "~" => 6,
                    "*" | "/" | "//" | "%" => 7,
                    "**" => 8,
                    _ => return None,
                };
                (*operator, 1, tightness)
            }
            Lexeme::Name(name) => match name.as_str() {
                "or" => ("or", 1, 1),
                "and" => ("and", 1, 2),
                "in" => ("in", 1, COMPARE),
                "not" if matches!(self.peek_at(1), Some(Lexeme::Name(n)) if n == "in") => {
                    ("not in", 2, COMPARE)
                }
                _ => return None,
            },
            _ => return None,
        };
        Some(found)
    }

    fn unary(&mut self, with_filters: bool) -> Parsed {
        let at = self.at();
        let sign = ["-", "+"].into_iter().find(|sign| self.operator(sign));
        let mut operand = match sign {
            Some(sign) => {
                let operand = self.deeper(|parser| parser.unary(false))?;
                self.make(at, Kind::Unary(sign, Box::new(operand)))?
            }
            None => self.primary()?,
        };
        operand = self.postfix(operand)?;
        if with_filters { self.filters(operand) } else { Ok(operand) }
    }

    fn primary(&mut self) -> Parsed {
        let at = self.at();
        let kind = match self.advance().map(|token| token.kind) {
            Some(Lexeme::Name(name)) => match name.as_str() {
                "true" | "True" | "false" | "False" | "none" | "None" => Kind::Constant,
                _ => Kind::Name(name),
            },
            Some(Lexeme::Quoted(mut literal)) => {
                while let Some(Lexeme::Quoted(more)) = self.peek() {
                    literal.text.push_str(&more.text);
                    literal.exact &= more.exact;
                    self.advance();
                }
                Kind::Text(literal)
            }
            Some(Lexeme::Integer(value)) => Kind::Integer(value),
            Some(Lexeme::Float) => Kind::Constant,
            Some(Lexeme::Operator("(")) => {
                if self.operator(")") {
                    return self.make(at, Kind::List(Vec::new()));
                }
                let inner = self.tuple(true)?;
                self.expect(")")?;
                return Ok(inner);
            }
            Some(Lexeme::Operator("[")) => {
                let mut items = Vec::new();
                while !self.operator("]") {
                    items.push(self.expression()?);
                    if !self.operator(",") {
                        self.expect("]")?;
                        break;
                    }
                }
                Kind::List(items)
            }
            Some(Lexeme::Operator("{")) => {
                let mut pairs = Vec::new();
                while !self.operator("}") {
                    let key = self.expression()?;
                    self.expect(":")?;
                    pairs.push((key, self.expression()?));
                    if !self.operator(",") {
                        self.expect("}")?;
                        break;
                    }
                }
                Kind::Dict(pairs)
            }
            _ => return Err(Refusal::truncated(at as u64, "expected an expression")),
        };
        self.make(at, kind)
    }

    /// `.name`, `[...]` and `(...)` behind an operand.
    fn postfix(&mut self, mut operand: Expression) -> Parsed {
        loop {
            let at = self.at();
            let kind = if self.operator(".") {
                match self.advance().map(|token| token.kind) {
                    Some(Lexeme::Name(name)) => Kind::Attribute(Box::new(operand), name),
                    Some(Lexeme::Integer(index)) => {
                        let index = self.make(at, Kind::Integer(index))?;
                        Kind::Subscript(Box::new(operand), Box::new(index))
                    }
                    _ => return Err(Refusal::truncated(at as u64, "expected a name or number")),
                }
            } else if self.operator("[") {
                let key = self.subscript()?;
                Kind::Subscript(Box::new(operand), Box::new(key))
            } else if self.operator("(") {
                Kind::Call(Box::new(operand), self.arguments()?)
            } else {
                return Ok(operand);
            };
            operand = self.make(at, kind)?;
        }
    }

    /// What stands in `[...]`, its end included.
    fn subscript(&mut self) -> Parsed {
        let at = self.at();
        let mut keys = Vec::new();
        loop {
            keys.push(self.slice()?);
            if !self.operator(",") {
                break;
            }
        }
        self.expect("]")?;
        match keys.pop() {
            Some(only) if keys.is_empty() => Ok(only),
            last => {
                keys.extend(last);
                self.make(at, Kind::List(keys))
            }
        }
    }

    fn slice(&mut self) -> Parsed {
        let at = self.at();
        let mut bounds = Vec::new();
        loop {
            let ends = matches!(self.peek(), None | Some(Lexeme::Operator(":" | "]" | ",")));
            bounds.push(if ends { None } else { Some(self.expression()?) });
            if bounds.len() >= 3 || !self.operator(":") {
                break;
            }
        }
        match bounds.pop() {
            Some(Some(only)) if bounds.is_empty() => Ok(only),
            Some(None) if bounds.is_empty() => self.refuse("expected a subscript".to_owned()),
            last => {
                bounds.extend(last);
                self.make(at, Kind::Slice(bounds))
            }
        }
    }

    /// `|filter`, `is test` and calls of what they give.
    fn filters(&mut self, mut operand: Expression) -> Parsed {
        loop {
            let at = self.at();
            let kind = if self.operator("|") {
                let (name, arguments) = self.filter()?;
                Kind::Filter(Box::new(operand), name, arguments)
            } else if self.word("is") {
                let negated = self.word("not");
                let test = self.test(operand)?;
                operand = self.make(at, test)?;
                if !negated {
                    continue;
                }
                Kind::Unary("not", Box::new(operand))
            } else if self.operator("(") {
                Kind::Call(Box::new(operand), self.arguments()?)
            } else {
                return Ok(operand);
            };
            operand = self.make(at, kind)?;
        }
    }

    /// The name and arguments of a filter.
    pub(super) fn filter(&mut self) -> Result<(String, Arguments), Refusal> {
        let name = self.dotted_name()?;
        let arguments = if self.operator("(") { self.arguments()? } else { Arguments::default() };
        Ok((name, arguments))
    }

    /// The filters of a block, over what its body prints.
    pub(super) fn block_filters(&mut self) -> Parsed {
        let at = self.at();
        let (name, arguments) = self.filter()?;
        let body = self.make(at, Kind::Body)?;
        let first = self.make(at, Kind::Filter(Box::new(body), name, arguments))?;
        self.filters(first)
    }

    fn test(&mut self, operand: Expression) -> Result<Kind, Refusal> {
        let name = self.dotted_name()?;
        let mut arguments = Arguments::default();
        if self.operator("(") {
            arguments = self.arguments()?;
        } else if self.starts_test_argument() {
            let argument = self.primary()?;
            arguments.plain.push(self.postfix(argument)?);
        }
        Ok(Kind::Test(Box::new(operand), name, arguments))
    }

    fn starts_test_argument(&self) -> bool {
        match self.peek() {
            Some(Lexeme::Name(name)) => {
                !matches!(name.as_str(), "else" | "or" | "and" | "if" | "is" | "in" | "not")
            }
            Some(Lexeme::Quoted(_) | Lexeme::Integer(_) | Lexeme::Float) => true,
            Some(Lexeme::Operator(operator)) => matches!(*operator, "[" | "{"),
            _ => false,
        }
    }

    fn dotted_name(&mut self) -> Result<String, Refusal> {
        let mut name = self.name()?;
        while self.operator(".") {
            name.push('.');
            name.push_str(&self.name()?);
        }
        Ok(name)
    }

    /// What stands in `(...)` of a call, its end included.
    pub(super) fn arguments(&mut self) -> Result<Arguments, Refusal> {
        let mut arguments = Arguments::default();
        while !self.operator(")") {
            if self.operator("**") || self.operator("*") {
                arguments.spread = true;
                arguments.plain.push(self.expression()?);
            } else if matches!(self.peek_at(1), Some(Lexeme::Operator("="))) {
                let name = self.name()?;
                self.advance();
                arguments.named.push((name, self.expression()?));
            } else {
                arguments.plain.push(self.expression()?);
            }
            if !self.operator(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(arguments)
    }

    /// What a loop or an assignment binds: names, attributes of a namespace, tuples of those.
    pub(super) fn target(&mut self) -> Parsed {
        let at = self.at();
        let mut items = Vec::new();
        let mut comma = false;
        while matches!(self.peek(), Some(Lexeme::Name(_) | Lexeme::Operator("("))) {
            if self.is_word("in") && !items.is_empty() {
                break;
            }
            items.push(self.one_target()?);
            if !self.operator(",") {
                break;
            }
            comma = true;
        }
        match items.pop() {
            Some(only) if items.is_empty() && !comma => Ok(only),
            Some(last) => {
                items.push(last);
                self.make(at, Kind::List(items))
            }
            None => self.refuse("expected a name to bind".to_owned()),
        }
    }

    fn one_target(&mut self) -> Parsed {
        let at = self.at();
        if self.operator("(") {
            let inner = self.deeper(Self::target)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let name = Kind::Name(self.name()?);
        let mut target = self.make(at, name)?;
        if self.operator(".") {
            let attribute = self.name()?;
            target = self.make(at, Kind::Attribute(Box::new(target), attribute))?;
        }
        Ok(target)
    }
}

/// How tightly `not` binds, from `or` (1) to `**` (8).
const NOT: usize = 3;
const COMPARE: usize = 4;
