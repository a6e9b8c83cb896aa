//! Values as Python prints them.

use super::error::Res;
use super::value::data::{MOST, too_deep, too_large};
use super::value::{Dict, Object, Val};
use crate::render::python;

/// The deepest nesting that is printed; a list can contain itself.
const MAX_DEPTH: usize = 100;

impl Val {
    /// Prints as `str()` does.
    pub(super) fn to_text(&self) -> Res<String> {
        match self.defined()? {
            Self::Str(s) => Ok(s.to_string()),
            Self::Nothing => Ok(String::new()),
            other => other.repr(),
        }
    }

    /// Prints as `repr()` does.
    pub(super) fn repr(&self) -> Res<String> {
        let mut out = String::new();
        write(self.defined()?, &mut out, 0)?;
        Ok(out)
    }
}

fn write(value: &Val, out: &mut String, depth: usize) -> Res<()> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    if out.len() > MOST {
        return Err(too_large());
    }
    match value {
        // Inside of a list it is only shown, which Python does without asking.
        Val::Undefined(_) | Val::Nothing => out.push_str("Undefined"),
        Val::None => out.push_str("None"),
        Val::Bool(true) => out.push_str("True"),
        Val::Bool(false) => out.push_str("False"),
        Val::Int(i) => out.push_str(&i.to_string()),
        Val::Float(f) => out.push_str(&python::float(*f)),
        Val::Str(s) => out.push_str(&python::quoted(s)),
        Val::Bytes(b) => out.push_str(&python::bytes(b)),
        Val::List(items) => sequence(&items.borrow(), "[", "]", out, depth)?,
        Val::Tuple(items) => sequence(items, "(", if items.len() == 1 { ",)" } else { ")" }, out, depth)?,
        Val::Dict(dict) => mapping(&dict.borrow(), out, depth)?,
        Val::Set(set) => {
            let items: Vec<Val> = set.borrow().keys().map(|k| k.0.clone()).collect();
            if items.is_empty() {
                out.push_str("set()");
            } else {
                sequence(&items, "{", "}", out, depth)?;
            }
        }
        Val::Range(r) => {
            out.push_str(&format!("range({}, {}", r.start, r.stop));
            if r.step != 1 {
                out.push_str(&format!(", {}", r.step));
            }
            out.push(')');
        }
        Val::View(view) => {
            out.push_str(view.kind);
            sequence(&view.items, "([", "])", out, depth)?;
        }
        Val::Iter(_) => out.push_str("<generator object>"),
        Val::Object(object) => write_object(object, out, depth)?,
    }
    Ok(())
}

fn sequence(items: &[Val], open: &str, close: &str, out: &mut String, depth: usize) -> Res<()> {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(item, out, depth + 1)?;
    }
    out.push_str(close);
    Ok(())
}

fn mapping(dict: &Dict, out: &mut String, depth: usize) -> Res<()> {
    out.push('{');
    for (index, (key, value)) in dict.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(&key.0, out, depth + 1)?;
        out.push_str(": ");
        write(value, out, depth + 1)?;
    }
    out.push('}');
    Ok(())
}

fn write_object(object: &Object, out: &mut String, depth: usize) -> Res<()> {
    match object {
        Object::Module { text, .. } => out.push_str(text),
        Object::Macro { def, .. } => out.push_str(&format!("<Macro '{}'>", def.name)),
        Object::Loop(state) => {
            out.push_str(&format!("<LoopContext {}/{}>", state.at.get() + 1, state.items.len()));
        }
        Object::Namespace(attributes) => {
            out.push_str("<Namespace {");
            for (index, (name, value)) in attributes.borrow().iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(&format!("'{name}': "));
                write(value, out, depth + 1)?;
            }
            out.push_str("}>");
        }
        Object::Method(_, name) => out.push_str(&format!("<built-in method {name}>")),
        Object::Builtin(name) => out.push_str(&format!("<function {name}>")),
        Object::SaltFunction(name) => out.push_str(&format!("<function {name}>")),
        Object::Salt => out.push_str("<salt>"),
        Object::SaltModule(name) => out.push_str(&format!("<module {name}>")),
        Object::Cycler { .. } => out.push_str("<Cycler>"),
        Object::Joiner { .. } => out.push_str("<Joiner>"),
        Object::BlockRef(name) | Object::Super(name, _) => out.push_str(&format!("<block {name}>")),
        Object::SelfRef => out.push_str("<TemplateReference>"),
    }
    Ok(())
}
