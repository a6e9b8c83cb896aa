//! Parses statements; expressions are in [`super::expressions`].

use std::collections::HashSet;
use std::rc::Rc;

use super::ast::{
    Args, Expr, ExprKind, FilterCall, For, Format, Macro, Pos, Stmt, StmtKind, Target, Template,
};
use super::error::{Fault, Res};
use super::lexer::{Tok, Token, tokenize};

/// The deepest nesting of statements and expressions; the evaluator recurses as deep as the tree is.
pub(super) const MAX_NESTING: u32 = 96;

const TAGS: [&str; 28] = [
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "endset",
    "macro",
    "endmacro",
    "call",
    "endcall",
    "filter",
    "endfilter",
    "include",
    "import",
    "from",
    "do",
    "with",
    "endwith",
    "block",
    "endblock",
    "extends",
    "load_yaml",
    "load_json",
    "import_yaml",
    "import_json",
    "raw",
];

/// Parses a template.
pub(super) fn parse(name: &str, source: &str) -> Result<Rc<Template>, Box<(Fault, Rc<Template>)>> {
    let empty = || Rc::new(Template { name: name.into(), source: source.into(), body: Vec::new() });
    let result = tokenize(source).and_then(|tokens| Parser::over(tokens).body(&[]));
    match result {
        Ok(body) => Ok(Rc::new(Template { name: name.into(), source: source.into(), body })),
        Err(fault) => Err(Box::new((fault, empty()))),
    }
}

/// Which of the implicit variables a macro's body mentions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Uses {
    caller: bool,
    kwargs: bool,
    varargs: bool,
}

pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    /// The tags that are open, with the tags that would end them.
    open: Vec<(String, Pos, Vec<&'static str>)>,
    pub(super) uses: Vec<Uses>,
    pub(super) depth: u32,
    /// The names of the blocks so far.
    blocks: HashSet<Rc<str>>,
}

impl Parser {
    pub(super) fn over(tokens: Vec<Token>) -> Self {
        Self { tokens, at: 0, open: Vec::new(), uses: Vec::new(), depth: 0, blocks: HashSet::new() }
    }

    pub(super) fn peek(&self) -> &Tok {
        &self.tokens[self.at].tok
    }

    pub(super) fn look(&self, ahead: usize) -> &Tok {
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)].tok
    }

    pub(super) fn pos(&self) -> Pos {
        self.tokens[self.at].pos
    }

    pub(super) fn next(&mut self) -> Tok {
        let tok = self.tokens[self.at].tok.clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        tok
    }

    pub(super) fn is_op(&self, op: &str) -> bool {
        matches!(self.peek(), Tok::Op(o) if *o == op)
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Tok::Name(n) if n == name)
    }

    pub(super) fn skip_op(&mut self, op: &str) -> bool {
        let found = self.is_op(op);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn skip_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn expect_op(&mut self, op: &str) -> Res<()> {
        if self.skip_op(op) { Ok(()) } else { Err(self.unexpected(op)) }
    }

    fn expect_name(&mut self, name: &str) -> Res<()> {
        if self.skip_name(name) { Ok(()) } else { Err(self.unexpected(name)) }
    }

    pub(super) fn name(&mut self) -> Res<Rc<str>> {
        match self.peek() {
            Tok::Name(_) => {
                let Tok::Name(name) = self.next() else { unreachable!("peeked a name") };
                Ok(name.into())
            }
            _ => Err(self.unexpected("name")),
        }
    }

    pub(super) fn unexpected(&self, expected: &str) -> Fault {
        let got = self.peek().describe();
        Fault::syntax(format!("expected token '{expected}', got '{got}'")).at(self.pos())
    }

    /// Guards the recursion of the parser and, later, of the evaluator.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Res<T>) -> Res<T> {
        if self.depth >= MAX_NESTING {
            let message = format!("the template is nested deeper than {MAX_NESTING} levels");
            return Err(Fault::bounds(message).at(self.pos()));
        }
        self.depth += 1;
        let result = super::engine::on_ample_stack(|| parse(self));
        self.depth -= 1;
        result
    }

    /// Parses statements up to one of the tags in `ends`, which is not consumed, or the end of the template.
    fn body(&mut self, ends: &[&'static str]) -> Res<Vec<Stmt>> {
        let mut out = Vec::new();
        loop {
            let pos = self.pos();
            match self.peek() {
                Tok::End => {
                    return if ends.is_empty() { Ok(out) } else { Err(self.unclosed(ends)) };
                }
                Tok::Data(_) => {
                    if let Tok::Data(text) = self.next() {
                        out.push(Stmt { pos, kind: StmtKind::Data(text.into()) });
                    }
                }
                Tok::PrintBegin => {
                    self.next();
                    let expr = self.tuple(true, false)?;
                    if !matches!(self.next(), Tok::PrintEnd) {
                        self.at -= 1;
                        return Err(self.unexpected("end of print statement"));
                    }
                    out.push(Stmt { pos, kind: StmtKind::Print(expr) });
                }
                Tok::BlockBegin => {
                    if let Tok::Name(name) = self.look(1)
                        && ends.contains(&name.as_str())
                    {
                        self.next();
                        return Ok(out);
                    }
                    self.next();
                    let kind = self.nested(Self::statement)?;
                    if let Some(kind) = kind {
                        out.push(Stmt { pos, kind });
                    }
                }
                _ => return Err(self.unexpected("template data")),
            }
        }
    }

    fn unclosed(&self, ends: &[&'static str]) -> Fault {
        let wanted = ends.iter().map(|e| format!("'{e}'")).collect::<Vec<_>>().join(" or ");
        let Some((tag, pos, _)) = self.open.last() else {
            return Fault::syntax("unexpected end of template").at(self.pos());
        };
        Fault::syntax(format!(
            "unexpected end of template: looking for {wanted}, the innermost block that needs to be closed is '{tag}'"
        ))
        .at(*pos)
        .suggest(format!("add {{% {} %}}", closing(ends)))
    }

    /// Parses a body and consumes the tag that ends it; returns that tag's name.
    fn block(&mut self, tag: &str, pos: Pos, ends: &[&'static str]) -> Res<(Vec<Stmt>, String)> {
        self.block_end()?;
        self.open.push((tag.to_owned(), pos, ends.to_vec()));
        let body = self.body(ends)?;
        self.open.pop();
        let Tok::Name(end) = self.next() else { return Err(self.unexpected("name")) };
        Ok((body, end))
    }

    fn block_end(&mut self) -> Res<()> {
        if matches!(self.peek(), Tok::BlockEnd) {
            self.next();
            return Ok(());
        }
        Err(self.unexpected("end of statement block"))
    }

    fn statement(&mut self) -> Res<Option<StmtKind>> {
        let pos = self.pos();
        let tag = match self.peek() {
            Tok::Name(name) => name.clone(),
            _ => return Err(Fault::syntax("tag name expected").at(pos)),
        };
        self.next();
        let kind = match tag.as_str() {
            "if" => self.if_statement(pos)?,
            "for" => self.for_statement(pos)?,
            "set" => self.set_statement(pos)?,
            "macro" => {
                let name = self.name()?;
                StmtKind::Macro(self.macro_rest(name, "macro", "endmacro", pos)?)
            }
            "call" => self.call_statement(pos)?,
            "filter" => {
                let filters = self.filter_chain(true)?;
                let (body, _) = self.block("filter", pos, &["endfilter"])?;
                StmtKind::FilterBlock { filters, body }
            }
            "with" => self.with_statement(pos)?,
            "do" => StmtKind::Do(self.tuple(true, false)?),
            "print" => StmtKind::Print(self.tuple(true, false)?),
            "break" => StmtKind::Break,
            "continue" => StmtKind::Continue,
            "include" => self.include_statement()?,
            "import" => {
                let name = self.expression()?;
                self.expect_name("as")?;
                let target = self.name()?;
                StmtKind::Import { name, target, with_context: self.context_clause(false)? }
            }
            "from" => self.import_names()?,
            "block" => {
                let name = self.name()?;
                if !self.blocks.insert(Rc::clone(&name)) {
                    return Err(Fault::syntax(format!("block '{name}' defined twice")).at(pos));
                }
                while self.skip_name("scoped") || self.skip_name("required") {}
                let (body, _) = self.block("block", pos, &["endblock"])?;
                if matches!(self.peek(), Tok::Name(_)) {
                    self.next();
                }
                StmtKind::Block { name, body: Rc::new(body) }
            }
            "extends" => StmtKind::Extends(self.expression()?),
            "autoescape" | "profile" => return self.transparent(&tag, pos),
            "load_yaml" | "load_json" | "load_text" => {
                self.expect_name("as")?;
                let target = self.target(false)?;
                let (body, _) = self.block(&tag, pos, &["endload"])?;
                StmtKind::Load { format: format_of(&tag), target, body }
            }
            "import_yaml" | "import_json" | "import_text" => {
                let name = self.expression()?;
                self.expect_name("as")?;
                let target = self.name()?;
                let with_context = self.context_clause(false)?;
                StmtKind::ImportData { format: format_of(&tag), name, target, with_context }
            }
            _ => return Err(self.unknown_tag(&tag, pos)),
        };
        self.block_end()?;
        Ok(Some(kind))
    }

    fn unknown_tag(&self, tag: &str, pos: Pos) -> Fault {
        let mut message = format!("encountered unknown tag '{tag}'");
        if let Some((open, opened, ends)) = self.open.last() {
            let ends = ends.iter().map(|e| format!("'{e}'")).collect::<Vec<_>>().join(" or ");
            message = format!(
                "{message}: looking for {ends}, the innermost block that needs to be closed is '{open}' of line {}",
                opened.line
            );
        }
        if let Some((_, _, ends)) = self.open.last()
            && tag.starts_with("end")
        {
            return Fault::syntax(message).at(pos).suggest(format!("write {{% {} %}}", closing(ends)));
        }
        let near = crate::nearest::nearest(tag, TAGS);
        Fault::syntax(message).at(pos).suggest_opt(near.map(|n| format!("did you mean '{n}'?")))
    }

    /// A block whose tags have no meaning here: its body stands for itself.
    fn transparent(&mut self, tag: &str, pos: Pos) -> Res<Option<StmtKind>> {
        self.skip_name("as");
        self.expression()?;
        let end = if tag == "profile" { "endprofile" } else { "endautoescape" };
        let (body, _) = self.block(tag, pos, &[end])?;
        self.block_end()?;
        let always = Expr { pos, kind: ExprKind::Bool(true) };
        Ok(Some(StmtKind::If { branches: vec![(always, body)], otherwise: Vec::new() }))
    }

    fn if_statement(&mut self, pos: Pos) -> Res<StmtKind> {
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            let condition = self.tuple(false, false)?;
            let (body, mut end) = self.block("if", pos, &["elif", "else", "endif"])?;
            branches.push((condition, body));
            if end == "else" {
                let (body, ended) = self.block("if", pos, &["endif"])?;
                otherwise = body;
                end = ended;
            }
            if end == "endif" {
                return Ok(StmtKind::If { branches, otherwise });
            }
        }
    }

    fn for_statement(&mut self, pos: Pos) -> Res<StmtKind> {
        let target = self.target(true)?;
        self.expect_name("in")?;
        let items = self.tuple(false, true)?;
        let condition = if self.skip_name("if") { Some(self.expression()?) } else { None };
        let recursive = self.skip_name("recursive");
        let (body, end) = self.block("for", pos, &["endfor", "else"])?;
        let otherwise = if end == "else" { self.block("for", pos, &["endfor"])?.0 } else { Vec::new() };
        Ok(StmtKind::For(Rc::new(For { target, items, condition, recursive, body, otherwise })))
    }

    fn set_statement(&mut self, pos: Pos) -> Res<StmtKind> {
        let target = self.target(true)?;
        if self.skip_op("=") {
            return Ok(StmtKind::Set { target, value: self.tuple(true, false)? });
        }
        let filters = self.filter_chain(false)?;
        let (body, _) = self.block("set", pos, &["endset"])?;
        Ok(StmtKind::SetBlock { target, filters, body })
    }

    /// Parses an assignment target; `tuple` allows `a, b`.
    pub(super) fn target(&mut self, tuple: bool) -> Res<Target> {
        let mut targets = Vec::new();
        let mut is_tuple = false;
        loop {
            if is_tuple && (self.is_name("in") || self.is_op("=") || self.is_op(")")) {
                break;
            }
            targets.push(self.one_target()?);
            if !tuple || !self.skip_op(",") {
                break;
            }
            is_tuple = true;
        }
        match targets.pop() {
            Some(only) if !is_tuple => Ok(only),
            Some(last) => {
                targets.push(last);
                Ok(Target::Tuple(targets))
            }
            None => Err(self.unexpected("name")),
        }
    }

    fn one_target(&mut self) -> Res<Target> {
        if self.skip_op("(") {
            let inner = self.nested(|p| p.target(true))?;
            self.expect_op(")")?;
            return Ok(inner);
        }
        let pos = self.pos();
        let name = self.name()?;
        if self.skip_op(".") {
            return Ok(Target::Attribute(name, self.name()?));
        }
        if matches!(&*name, "true" | "false" | "none" | "True" | "False" | "None") {
            return Err(Fault::syntax(format!("can't assign to '{name}'")).at(pos));
        }
        Ok(Target::Name(name))
    }

    /// Parses `| f | g(x)`; in a filter block the first one has no bar.
    fn filter_chain(&mut self, inline: bool) -> Res<Vec<FilterCall>> {
        let mut filters = Vec::new();
        if inline {
            filters.push(self.filter_call()?);
        }
        while self.skip_op("|") {
            filters.push(self.filter_call()?);
        }
        Ok(filters)
    }

    fn macro_rest(&mut self, name: Rc<str>, tag: &str, end: &'static str, pos: Pos) -> Res<Rc<Macro>> {
        let (mut params, mut defaults) = (Vec::new(), Vec::new());
        self.uses.push(Uses::default());
        if self.skip_op("(") {
            while !self.is_op(")") {
                if !params.is_empty() {
                    self.expect_op(",")?;
                    if self.is_op(")") {
                        break;
                    }
                }
                params.push(self.name()?);
                if self.skip_op("=") {
                    defaults.push(self.expression()?);
                } else if !defaults.is_empty() {
                    return Err(Fault::syntax("non-default argument follows default argument").at(self.pos()));
                }
            }
            self.expect_op(")")?;
        } else if tag == "macro" {
            // Without parameters, too, a macro has its parentheses.
            self.expect_op("(")?;
        }
        let body = match tag {
            "call" => {
                // The called expression stands between the parameters and the body.
                Vec::new()
            }
            _ => self.block(tag, pos, &[end])?.0,
        };
        let uses = self.uses.pop().unwrap_or_default();
        Ok(Rc::new(Macro {
            name,
            params,
            defaults,
            body,
            uses_caller: uses.caller,
            uses_kwargs: uses.kwargs,
            uses_varargs: uses.varargs,
        }))
    }

    fn call_statement(&mut self, pos: Pos) -> Res<StmtKind> {
        let head = self.macro_rest("caller".into(), "call", "endcall", pos)?;
        let call = self.expression()?;
        if !matches!(call.kind, ExprKind::Call(..)) {
            return Err(Fault::syntax("expected call").at(pos));
        }
        self.uses.push(Uses::default());
        let (body, _) = self.block("call", pos, &["endcall"])?;
        let uses = self.uses.pop().unwrap_or_default();
        let Some(head) = Rc::into_inner(head) else { unreachable!("the head was made just now") };
        let caller = Macro {
            body,
            uses_caller: uses.caller,
            uses_kwargs: uses.kwargs,
            uses_varargs: uses.varargs,
            ..head
        };
        Ok(StmtKind::Call { call, caller: Rc::new(caller) })
    }

    fn with_statement(&mut self, pos: Pos) -> Res<StmtKind> {
        let mut bindings = Vec::new();
        while !matches!(self.peek(), Tok::BlockEnd) {
            if !bindings.is_empty() {
                self.expect_op(",")?;
            }
            let target = self.target(false)?;
            self.expect_op("=")?;
            bindings.push((target, self.expression()?));
        }
        let (body, _) = self.block("with", pos, &["endwith"])?;
        Ok(StmtKind::With { bindings, body })
    }

    fn include_statement(&mut self) -> Res<StmtKind> {
        let name = self.expression()?;
        let ignore_missing = self.is_name("ignore") && matches!(self.look(1), Tok::Name(n) if n == "missing");
        if ignore_missing {
            self.next();
            self.next();
        }
        Ok(StmtKind::Include { name, ignore_missing, with_context: self.context_clause(true)? })
    }

    fn import_names(&mut self) -> Res<StmtKind> {
        let name = self.expression()?;
        self.expect_name("import")?;
        let mut names = Vec::new();
        loop {
            let imported = self.name()?;
            let alias = if self.skip_name("as") { self.name()? } else { Rc::clone(&imported) };
            if imported.starts_with('_') {
                let message = "names starting with an underline can not be imported";
                return Err(Fault::syntax(message).at(self.pos()));
            }
            names.push((imported, alias));
            if !self.skip_op(",") || matches!(self.peek(), Tok::BlockEnd) || self.at_context_clause() {
                break;
            }
        }
        Ok(StmtKind::FromImport { name, names, with_context: self.context_clause(false)? })
    }

    fn at_context_clause(&self) -> bool {
        (self.is_name("with") || self.is_name("without"))
            && matches!(self.look(1), Tok::Name(n) if n == "context")
    }

    fn context_clause(&mut self, default: bool) -> Res<bool> {
        if !self.at_context_clause() {
            return Ok(default);
        }
        let with = self.is_name("with");
        self.next();
        self.next();
        Ok(with)
    }

    /// Notes that a name is read, for the macros around it.
    pub(super) fn reads(&mut self, name: &str) {
        for uses in &mut self.uses {
            match name {
                "caller" => uses.caller = true,
                "kwargs" => uses.kwargs = true,
                "varargs" => uses.varargs = true,
                _ => {}
            }
        }
    }

    pub(super) fn filter_call(&mut self) -> Res<FilterCall> {
        let pos = self.pos();
        let mut name = self.name()?.to_string();
        while self.skip_op(".") {
            name = format!("{name}.{}", self.name()?);
        }
        let args = if self.is_op("(") { self.call_args()? } else { Args::default() };
        Ok(FilterCall { name: name.into(), args, pos })
    }
}

fn format_of(tag: &str) -> Format {
    match tag.rsplit('_').next() {
        Some("yaml") => Format::Yaml,
        Some("json") => Format::Json,
        _ => Format::Text,
    }
}

/// Picks the tag that closes a block from those that may come next.
fn closing(ends: &[&'static str]) -> &'static str {
    ends.iter().copied().find(|e| e.starts_with("end")).unwrap_or("endif")
}
