//! Python expressions as `loop.until` takes them: evaluated by the engine of templates, of which they are nearly a part.
//! What reaches beyond values (imports, lambdas, comprehensions) is no expression here and is refused.

use std::rc::Rc;

use lab_proto::Value;
use lab_proto::value::Map;

use super::ast::{Expr, Template};
use super::call::{CallArgs, required};
use super::engine::{Blocks, Engine, Frame};
use super::error::{Fault, Res};
use super::lexer::{Tok, Token, tokenize};
use super::parser::Parser;
use super::scope::Scope;
use super::value::{Object, Val};
use crate::render::doors::{Limits, MemorySources, NoFunctions, RenderContext, RenderEnv};

/// What of Python's own functions is there.
const FUNCTIONS: [&str; 11] =
    ["abs", "all", "any", "bool", "float", "int", "len", "max", "min", "str", "sum"];

/// Tells whether a Python expression over variables is true.
pub(in crate::render) fn holds(source: &str, variables: &[(&str, Value)]) -> Result<bool, String> {
    let (sources, context) = (MemorySources::default(), RenderContext::default());
    let limits = Limits { fuel: 1_000_000, ..Limits::default() };
    let env = RenderEnv { limits, ..RenderEnv::new(&sources, &NoFunctions, &context) };
    let none = Map::new();
    let engine = Engine::new(&env, variables, &none);
    evaluate(&engine, source).map_err(|fault| {
        let suggestion = fault.suggestion().map(|s| format!(" ({s})")).unwrap_or_default();
        format!("{}{suggestion}", fault.message())
    })
}

fn evaluate(engine: &Engine<'_>, source: &str) -> Res<bool> {
    let expr = parse(source)?;
    for name in FUNCTIONS {
        engine.define(name, Val::object(Object::Builtin(name)));
    }
    let template = Rc::new(Template { name: "condition".into(), source: source.into(), body: Vec::new() });
    let scope = Scope::root();
    engine.hold(&scope);
    let frame = Frame { template, scope, blocks: Rc::new(Blocks::default()), loops: 0 };
    let holds = engine.eval_truth(&frame, &expr)?;
    // What equality could not tell at once is told here.
    engine.spend(0)?;
    Ok(holds)
}

fn parse(source: &str) -> Res<Expr> {
    let mut tokens = tokenize(&format!("{{{{ {source}\n}}}}"))?;
    // Python's `x is not None` has the test's name in capitals.
    let word = |token: Option<&Token>, word: &str| matches!(token, Some(Token { tok: Tok::Name(n), .. }) if n == word);
    for i in 1..tokens.len() {
        let before = i.checked_sub(2).and_then(|b| tokens.get(b));
        let tests = word(tokens.get(i - 1), "is") || word(tokens.get(i - 1), "not") && word(before, "is");
        if let Tok::Name(name) = &mut tokens[i].tok
            && tests
            && ["None", "True", "False"].contains(&name.as_str())
        {
            *name = name.to_lowercase();
        }
    }
    let mut parser = Parser::over(tokens);
    if parser.next() != Tok::PrintBegin {
        return Err(Fault::syntax("it is no expression"));
    }
    let expr = parser.tuple(true, false)?;
    match (parser.next(), parser.next()) {
        (Tok::PrintEnd, Tok::End) => Ok(expr),
        (Tok::PrintEnd, _) => Err(Fault::syntax("there is something after the expression")),
        (other, _) => Err(Fault::syntax(format!("'{}' was not expected", other.describe()))),
    }
}

impl Engine<'_> {
    /// Calls one of Python's functions.
    pub(super) fn python_function(&self, frame: &Frame, name: &str, args: CallArgs) -> Res<Val> {
        if matches!(name, "max" | "min") && args.positional.len() > 1 {
            let list = Val::list(args.positional);
            return self.filter(frame, name, list, CallArgs::default());
        }
        let [value] = args.bind(name, ["object"])?;
        let value = required(value, name, "object")?;
        let filter = match name {
            "bool" => return Ok(Val::Bool(value.truthy()?)),
            "all" | "any" => {
                let stop = name == "any";
                for item in value.iterate()? {
                    if item.truthy()? == stop {
                        return Ok(Val::Bool(stop));
                    }
                }
                return Ok(Val::Bool(!stop));
            }
            "len" => "length",
            "str" => "string",
            other => other,
        };
        self.filter(frame, filter, value, CallArgs::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str) -> Result<bool, String> {
        let m_ret = Value::from([
            ("text", Value::from("1: lo\n2: flannel.1\n")),
            ("code", Value::from(0)),
            ("list", Value::from(vec![1, 2, 3])),
            ("none", Value::Null),
        ]);
        holds(source, &[("m_ret", m_ret)])
    }

    #[test]
    fn python_expressions_over_the_return_hold_or_not() {
        for (source, expected) in [
            ("'flannel.1' in m_ret['text']", true),
            ("'eth0' not in m_ret['text']", true),
            ("m_ret['code'] == 0 and len(m_ret['list']) >= 3", true),
            ("m_ret['list'][0] > 1 or m_ret.get('x', 0) == 5", false),
            ("m_ret['none'] is None", true),
            ("m_ret['code'] is not None and not m_ret['none']", true),
            ("m_ret['text'].strip().endswith('flannel.1')", true),
            ("any(m_ret['list']) and max(m_ret['list']) == 3 and sum(m_ret['list']) == 6", true),
            ("int('7') == 7 and str(7) == '7' and '}}' != '%}'", true),
            ("m_ret['list'][-1:] == [3]", true),
            ("'yes' if m_ret['code'] else ''", false),
        ] {
            assert_eq!(check(source), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_is_no_such_expression_is_refused_with_a_reason() {
        for (source, reason) in [
            ("m_ret[", "expected"),
            ("len(x for x in m_ret)", "expected"),
            ("__import__('os')", "undefined"),
            ("open('/etc/passwd')", "undefined"),
            ("m_ret.__class__", ""),
            ("m_rte == 1", "did you mean 'm_ret'?"),
            ("m_ret }} {{ 1", "after the expression"),
            ("", "expected"),
            ("lambda: 1", "not expected"),
            ("m_ret == 1; x", ""),
        ] {
            let error = check(source).expect_err(source);
            assert!(error.contains(reason), "{source}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_answered(source in ".{0,40}") {
            let _ = check(&source);
        }
    }
}
