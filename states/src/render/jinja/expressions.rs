//! Parses expressions with Jinja's precedence.

use std::rc::Rc;

use super::ast::{Args, BinaryOp, CompareOp, Expr, ExprKind, Pos};
use super::error::{Fault, Res};
use super::lexer::Tok;
use super::parser::Parser;

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

fn at(pos: Pos, kind: ExprKind) -> Expr {
    Expr { pos, kind }
}

impl Parser {
    /// Parses an expression without a bare tuple.
    pub(super) fn expression(&mut self) -> Res<Expr> {
        self.nested(Self::conditional)
    }

    /// Parses an expression that may be a bare tuple. `conditional` allows `a if b`; `in_for` ends at `recursive`.
    pub(super) fn tuple(&mut self, conditional: bool, in_for: bool) -> Res<Expr> {
        let pos = self.pos();
        let mut items = Vec::new();
        let mut is_tuple = false;
        loop {
            let ends = matches!(self.peek(), Tok::PrintEnd | Tok::BlockEnd | Tok::End)
                || self.is_op(")")
                || (in_for && self.is_name("recursive"));
            if ends && is_tuple {
                break;
            }
            // Without `conditional`, `for x in y if z` keeps its `if`.
            let item = if conditional || !in_for { self.expression()? } else { self.nested(Self::or)? };
            items.push(item);
            if !self.skip_op(",") {
                break;
            }
            is_tuple = true;
        }
        match items.pop() {
            Some(only) if !is_tuple => Ok(only),
            Some(last) => {
                items.push(last);
                Ok(at(pos, ExprKind::Tuple(items)))
            }
            None => Err(self.unexpected("expression")),
        }
    }

    fn conditional(&mut self) -> Res<Expr> {
        let mut expr = self.or()?;
        let mut links = 0;
        while self.is_name("if") {
            links += 1;
            self.refuse_long_chain(links)?;
            let pos = expr.pos;
            self.next();
            let condition = boxed(self.or()?);
            let otherwise =
                if self.skip_name("else") { Some(boxed(self.nested(Self::conditional)?)) } else { None };
            expr = at(pos, ExprKind::If { condition, then: boxed(expr), otherwise });
        }
        Ok(expr)
    }

    fn or(&mut self) -> Res<Expr> {
        let mut left = self.and()?;
        let mut links = 0;
        while self.skip_name("or") {
            links += 1;
            self.refuse_long_chain(links)?;
            let right = self.and()?;
            left = at(left.pos, ExprKind::Or(boxed(left), boxed(right)));
        }
        Ok(left)
    }

    fn and(&mut self) -> Res<Expr> {
        let mut left = self.not()?;
        let mut links = 0;
        while self.skip_name("and") {
            links += 1;
            self.refuse_long_chain(links)?;
            let right = self.not()?;
            left = at(left.pos, ExprKind::And(boxed(left), boxed(right)));
        }
        Ok(left)
    }

    fn not(&mut self) -> Res<Expr> {
        let pos = self.pos();
        if self.skip_name("not") {
            return Ok(at(pos, ExprKind::Not(boxed(self.nested(Self::not)?))));
        }
        self.compare()
    }

    fn compare(&mut self) -> Res<Expr> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        loop {
            let op = match self.peek() {
                Tok::Op("==") => CompareOp::Eq,
                Tok::Op("!=") => CompareOp::Ne,
                Tok::Op("<") => CompareOp::Lt,
                Tok::Op("<=") => CompareOp::Le,
                Tok::Op(">") => CompareOp::Gt,
                Tok::Op(">=") => CompareOp::Ge,
                Tok::Name(n) if n == "in" => CompareOp::In,
                Tok::Name(n) if n == "not" && matches!(self.look(1), Tok::Name(m) if m == "in") => {
                    self.next();
                    CompareOp::NotIn
                }
                _ => break,
            };
            self.next();
            rest.push((op, self.sum()?));
        }
        if rest.is_empty() { Ok(first) } else { Ok(at(first.pos, ExprKind::Compare(boxed(first), rest))) }
    }

    fn sum(&mut self) -> Res<Expr> {
        let mut left = self.concat()?;
        for links in 0.. {
            self.refuse_long_chain(links)?;
            let op = match self.peek() {
                Tok::Op("+") => BinaryOp::Add,
                Tok::Op("-") => BinaryOp::Sub,
                _ => return Ok(left),
            };
            self.next();
            let right = self.concat()?;
            left = at(left.pos, ExprKind::Binary(op, boxed(left), boxed(right)));
        }
        Ok(left)
    }

    fn concat(&mut self) -> Res<Expr> {
        let first = self.product()?;
        if !self.is_op("~") {
            return Ok(first);
        }
        let pos = first.pos;
        let mut items = vec![first];
        while self.skip_op("~") {
            items.push(self.product()?);
        }
        Ok(at(pos, ExprKind::Concat(items)))
    }

    fn product(&mut self) -> Res<Expr> {
        let mut left = self.power()?;
        for links in 0.. {
            self.refuse_long_chain(links)?;
            let op = match self.peek() {
                Tok::Op("*") => BinaryOp::Mul,
                Tok::Op("/") => BinaryOp::Div,
                Tok::Op("//") => BinaryOp::FloorDiv,
                Tok::Op("%") => BinaryOp::Mod,
                _ => return Ok(left),
            };
            self.next();
            let right = self.power()?;
            left = at(left.pos, ExprKind::Binary(op, boxed(left), boxed(right)));
        }
        Ok(left)
    }

    fn power(&mut self) -> Res<Expr> {
        let mut left = self.unary(true)?;
        let mut links = 0;
        while self.skip_op("**") {
            links += 1;
            self.refuse_long_chain(links)?;
            let right = self.unary(true)?;
            left = at(left.pos, ExprKind::Binary(BinaryOp::Pow, boxed(left), boxed(right)));
        }
        Ok(left)
    }

    fn unary(&mut self, filters: bool) -> Res<Expr> {
        let pos = self.pos();
        let mut expr = if self.skip_op("-") {
            at(pos, ExprKind::Negative(boxed(self.nested(|p| p.unary(false))?)))
        } else if self.skip_op("+") {
            at(pos, ExprKind::Positive(boxed(self.nested(|p| p.unary(false))?)))
        } else {
            self.primary()?
        };
        expr = self.postfix(expr)?;
        if filters { self.filters(expr) } else { Ok(expr) }
    }

    fn primary(&mut self) -> Res<Expr> {
        let pos = self.pos();
        let kind = match self.peek().clone() {
            Tok::Name(name) => {
                self.next();
                match name.as_str() {
                    "true" | "True" => ExprKind::Bool(true),
                    "false" | "False" => ExprKind::Bool(false),
                    "none" | "None" => ExprKind::None,
                    _ => {
                        self.reads(&name);
                        ExprKind::Name(name.into())
                    }
                }
            }
            Tok::Str(mut text) => {
                self.next();
                while let Tok::Str(more) = self.peek() {
                    text.push_str(more);
                    self.next();
                }
                ExprKind::Str(text.into())
            }
            Tok::Int(i) => {
                self.next();
                ExprKind::Int(i)
            }
            Tok::Float(f) => {
                self.next();
                ExprKind::Float(f)
            }
            Tok::Op("(") => {
                self.next();
                if self.skip_op(")") {
                    ExprKind::Tuple(Vec::new())
                } else {
                    let inner = self.tuple(true, false)?;
                    self.expect_op(")")?;
                    return Ok(inner);
                }
            }
            Tok::Op("[") => {
                self.next();
                ExprKind::List(self.items("]")?)
            }
            Tok::Op("{") => {
                self.next();
                self.dict()?
            }
            other => return Err(Fault::syntax(format!("unexpected '{}'", other.describe())).at(pos)),
        };
        Ok(at(pos, kind))
    }

    fn items(&mut self, close: &str) -> Res<Vec<Expr>> {
        let mut items = Vec::new();
        while !self.skip_op(close) {
            if !items.is_empty() {
                self.expect_op(",")?;
                if self.skip_op(close) {
                    break;
                }
            }
            items.push(self.expression()?);
        }
        Ok(items)
    }

    fn dict(&mut self) -> Res<ExprKind> {
        let mut entries = Vec::new();
        while !self.skip_op("}") {
            if !entries.is_empty() {
                self.expect_op(",")?;
                if self.skip_op("}") {
                    break;
                }
            }
            let key = self.expression()?;
            self.expect_op(":")?;
            entries.push((key, self.expression()?));
        }
        Ok(ExprKind::Dict(entries))
    }

    fn postfix(&mut self, mut expr: Expr) -> Res<Expr> {
        let mut links = 0;
        loop {
            let pos = expr.pos;
            if self.is_op(".") || self.is_op("[") {
                expr = self.subscript(expr)?;
            } else if self.is_op("(") {
                let args = self.call_args()?;
                expr = at(pos, ExprKind::Call(boxed(expr), args));
            } else {
                return Ok(expr);
            }
            links += 1;
            self.refuse_long_chain(links)?;
        }
    }

    /// A chain makes a tree as deep as it is long.
    fn refuse_long_chain(&self, links: u32) -> Res<()> {
        if links > 100 {
            return Err(Fault::bounds("the expression is a chain of more than 100 links").at(self.pos()));
        }
        Ok(())
    }

    fn filters(&mut self, mut expr: Expr) -> Res<Expr> {
        let mut links = 0;
        loop {
            let pos = expr.pos;
            if self.skip_op("|") {
                let call = self.filter_call()?;
                expr = at(pos, ExprKind::Filter(boxed(expr), call));
            } else if self.is_name("is") {
                self.next();
                expr = self.test(expr)?;
            } else if self.is_op("(") {
                let args = self.call_args()?;
                expr = at(pos, ExprKind::Call(boxed(expr), args));
            } else {
                return Ok(expr);
            }
            links += 1;
            self.refuse_long_chain(links)?;
        }
    }

    fn test(&mut self, value: Expr) -> Res<Expr> {
        let pos = self.pos();
        let negated = self.skip_name("not");
        let name = match self.peek().clone() {
            // `is in`, `is none` and the like read as names.
            Tok::Name(_) => {
                let mut name = self.name()?.to_string();
                while self.skip_op(".") {
                    name = format!("{name}.{}", self.name()?);
                }
                name
            }
            Tok::Op(op @ ("==" | "!=" | "<" | "<=" | ">" | ">=")) => {
                self.next();
                op.to_owned()
            }
            _ => return Err(self.unexpected("name")),
        };
        let mut args = Args::default();
        if self.is_op("(") {
            args = self.call_args()?;
        } else {
            let starts = match self.peek() {
                Tok::Name(n) => {
                    !matches!(n.as_str(), "else" | "or" | "and" | "if" | "not" | "in" | "recursive")
                }
                Tok::Str(_) | Tok::Int(_) | Tok::Float(_) => true,
                Tok::Op(op) => matches!(*op, "[" | "{"),
                _ => false,
            };
            if self.is_name("is") {
                return Err(Fault::syntax("you cannot chain multiple tests with is").at(self.pos()));
            }
            if starts {
                let argument = self.primary()?;
                args.positional.push(self.postfix(argument)?);
            }
        }
        Ok(at(pos, ExprKind::Test { value: boxed(value), name: name.into(), args, negated }))
    }

    fn subscript(&mut self, expr: Expr) -> Res<Expr> {
        let pos = self.pos();
        if self.skip_op(".") {
            return match self.peek().clone() {
                Tok::Name(name) => {
                    self.next();
                    Ok(at(pos, ExprKind::Attribute(boxed(expr), name.into())))
                }
                Tok::Int(i) => {
                    self.next();
                    Ok(at(pos, ExprKind::Item(boxed(expr), boxed(at(pos, ExprKind::Int(i))))))
                }
                _ => Err(Fault::syntax("expected name or number").at(self.pos())),
            };
        }
        self.expect_op("[")?;
        let mut parts: [Option<Box<Expr>>; 3] = [None, None, None];
        let mut colons = 0;
        let mut items = Vec::new();
        while !self.is_op("]") {
            if self.skip_op(":") {
                colons += 1;
                if colons > 2 {
                    return Err(self.unexpected("]"));
                }
            } else if self.skip_op(",") {
                if colons > 0 || items.is_empty() {
                    return Err(self.unexpected("]"));
                }
            } else {
                let item = self.expression()?;
                if items.is_empty() || colons == 0 {
                    items.push(item);
                    if colons > 0 {
                        parts[colons] = items.pop().map(boxed);
                    }
                } else {
                    parts[colons] = Some(boxed(item));
                }
            }
        }
        self.expect_op("]")?;
        if colons > 0 {
            if items.len() > 1 {
                return Err(Fault::syntax("a slice has one start").at(pos));
            }
            parts[0] = items.pop().map(boxed);
            return Ok(at(pos, ExprKind::Slice(boxed(expr), parts)));
        }
        let item = match items.len() {
            0 => return Err(Fault::syntax("expected subscript expression").at(pos)),
            1 => items.remove(0),
            _ => at(pos, ExprKind::Tuple(items)),
        };
        Ok(at(pos, ExprKind::Item(boxed(expr), boxed(item))))
    }

    pub(super) fn call_args(&mut self) -> Res<Args> {
        self.expect_op("(")?;
        let mut args = Args::default();
        let mut first = true;
        while !self.skip_op(")") {
            if !first {
                self.expect_op(",")?;
                if self.skip_op(")") {
                    break;
                }
            }
            first = false;
            let pos = self.pos();
            if self.skip_op("**") {
                args.double_star = Some(boxed(self.expression()?));
            } else if self.skip_op("*") {
                args.star = Some(boxed(self.expression()?));
            } else if matches!((self.peek(), self.look(1)), (Tok::Name(_), Tok::Op("="))) {
                let name: Rc<str> = self.name()?;
                self.expect_op("=")?;
                args.keyword.push((name, self.expression()?));
            } else if !args.keyword.is_empty() || args.double_star.is_some() {
                return Err(Fault::syntax("invalid syntax for function call expression").at(pos));
            } else {
                args.positional.push(self.expression()?);
            }
        }
        Ok(args)
    }
}
