//! The syntax tree of a template. Everything that outlives its statement (macros, loop bodies) is shared.

use std::rc::Rc;

/// A parsed template.
#[derive(Debug)]
pub(super) struct Template {
    /// Its path below the roots, for errors and `tplfile`.
    pub name: Rc<str>,
    /// Its text, for the offending line of an error.
    pub source: Rc<str>,
    pub body: Vec<Stmt>,
}

/// A place within the template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pos {
    pub line: u32,
    pub column: u32,
}

#[derive(Debug)]
pub(super) struct Stmt {
    pub pos: Pos,
    pub kind: StmtKind,
}

#[derive(Debug)]
pub(super) enum StmtKind {
    Data(Rc<str>),
    Print(Expr),
    For(Rc<For>),
    If {
        branches: Vec<(Expr, Vec<Stmt>)>,
        otherwise: Vec<Stmt>,
    },
    Set {
        target: Target,
        value: Expr,
    },
    SetBlock {
        target: Target,
        filters: Vec<FilterCall>,
        body: Vec<Stmt>,
    },
    Macro(Rc<Macro>),
    Call {
        call: Expr,
        caller: Rc<Macro>,
    },
    FilterBlock {
        filters: Vec<FilterCall>,
        body: Vec<Stmt>,
    },
    With {
        bindings: Vec<(Target, Expr)>,
        body: Vec<Stmt>,
    },
    Do(Expr),
    Break,
    Continue,
    Include {
        name: Expr,
        ignore_missing: bool,
        with_context: bool,
    },
    Import {
        name: Expr,
        target: Rc<str>,
        with_context: bool,
    },
    FromImport {
        name: Expr,
        names: Vec<(Rc<str>, Rc<str>)>,
        with_context: bool,
    },
    Block {
        name: Rc<str>,
        body: Rc<Vec<Stmt>>,
    },
    Extends(Expr),
    /// `load_yaml as x`, `load_json`, `load_text`: the body is rendered and read.
    Load {
        format: Format,
        target: Target,
        body: Vec<Stmt>,
    },
    /// `import_yaml 'f' as x` and its like: the file is rendered and read.
    ImportData {
        format: Format,
        name: Expr,
        target: Rc<str>,
        with_context: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
    Text,
}

#[derive(Debug)]
pub(super) struct For {
    pub target: Target,
    pub items: Expr,
    pub condition: Option<Expr>,
    pub recursive: bool,
    pub body: Vec<Stmt>,
    pub otherwise: Vec<Stmt>,
}

#[derive(Debug)]
pub(super) struct Macro {
    pub name: Rc<str>,
    pub params: Vec<Rc<str>>,
    /// Defaults of the last parameters.
    pub defaults: Vec<Expr>,
    pub body: Vec<Stmt>,
    pub uses_caller: bool,
    pub uses_kwargs: bool,
    pub uses_varargs: bool,
}

#[derive(Debug)]
pub(super) enum Target {
    Name(Rc<str>),
    Tuple(Vec<Self>),
    Attribute(Rc<str>, Rc<str>),
}

#[derive(Debug)]
pub(super) struct FilterCall {
    pub name: Rc<str>,
    pub args: Args,
    pub pos: Pos,
}

#[derive(Debug, Default)]
pub(super) struct Args {
    pub positional: Vec<Expr>,
    pub keyword: Vec<(Rc<str>, Expr)>,
    pub star: Option<Box<Expr>>,
    pub double_star: Option<Box<Expr>>,
}

#[derive(Debug)]
pub(super) struct Expr {
    pub pos: Pos,
    pub kind: ExprKind,
}

#[derive(Debug)]
pub(super) enum ExprKind {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Rc<str>),
    Name(Rc<str>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Attribute(Box<Expr>, Rc<str>),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Call(Box<Expr>, Args),
    Filter(Box<Expr>, FilterCall),
    Test { value: Box<Expr>, name: Rc<str>, args: Args, negated: bool },
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Positive(Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(CompareOp, Expr)>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Concat(Vec<Expr>),
    If { condition: Box<Expr>, then: Box<Expr>, otherwise: Option<Box<Expr>> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
}

impl BinaryOp {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::FloorDiv => "//",
            Self::Mod => "%",
            Self::Pow => "** or pow()",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

impl CompareOp {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }
}
