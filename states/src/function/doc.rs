//! The documentation that every function carries: reference pages, `sys.doc`, schema and the warning about an
//! unknown argument are all made from it.

use std::borrow::Cow;

/// What a function promises about its effects; one test holds all functions to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Applying it a second time changes nothing; test mode names exactly what the real run does.
    Declarative,
    /// Does its work on every run unless guarded; test mode says that it would run.
    Action,
    /// Changes nothing, ever.
    Probe,
}

/// What an argument's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text; a number or a boolean is taken as the text it prints as.
    Text,
    /// An absolute path.
    Path,
    /// A truth value.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// File permissions, best written quoted: `'0644'`.
    Mode,
    /// A list.
    List,
    /// A mapping.
    Map,
    /// Anything.
    Any,
}

impl Kind {
    /// Names the kind for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Path => "path",
            Self::Bool => "boolean",
            Self::Int => "integer",
            Self::Float => "number",
            Self::Mode => "mode",
            Self::List => "list",
            Self::Map => "mapping",
            Self::Any => "any",
        }
    }
}

/// One argument of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgDoc {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What its value looks like.
    pub kind: Kind,
    /// Whether a call without it fails.
    pub required: bool,
    /// What is taken without it, as it would be written in YAML.
    pub default: Option<Cow<'static, str>>,
    /// One sentence.
    pub help: Cow<'static, str>,
}

impl ArgDoc {
    /// Describes an argument that must be given.
    pub const fn required(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), kind, required: true, default: None, help: Cow::Borrowed(help) }
    }

    /// Describes an argument that may be left out.
    pub const fn optional(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), kind, required: false, default: None, help: Cow::Borrowed(help) }
    }

    /// Describes an argument with a default.
    pub const fn with_default(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            kind,
            required: false,
            default: Some(Cow::Borrowed(default)),
            help: Cow::Borrowed(help),
        }
    }
}

/// What a function is for and how it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionDoc {
    /// One or two sentences.
    pub summary: Cow<'static, str>,
    /// Its arguments; for execution functions in positional order. State functions need not list `name`.
    pub args: Cow<'static, [ArgDoc]>,
    /// An SLS that applies as it stands (state functions), or a command line (execution functions).
    pub example: Cow<'static, str>,
    /// Whether arguments that are not listed are data for the function, so that no warning is due.
    pub open: bool,
}

impl FunctionDoc {
    /// Describes a function that takes the listed arguments.
    pub const fn new(summary: &'static str, args: &'static [ArgDoc], example: &'static str) -> Self {
        Self {
            summary: Cow::Borrowed(summary),
            args: Cow::Borrowed(args),
            example: Cow::Borrowed(example),
            open: false,
        }
    }

    /// Marks that further arguments are data for the function.
    #[must_use]
    pub const fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// Tells whether an argument of that name is listed.
    pub fn knows(&self, name: &str) -> bool {
        self.args.iter().any(|a| a.name == name)
    }
}
