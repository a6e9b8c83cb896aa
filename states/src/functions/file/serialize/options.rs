//! `serializer_opts`: how the file is written, in the words of Python's `json.dumps` and of PyYAML.

use lab_proto::Value;

use crate::function::StateError;
use crate::render::JsonStyle;
use crate::render::yaml::FileStyle;

const JSON: &[&str] = &["indent", "sort_keys", "ensure_ascii", "separators"];
const YAML: &[&str] =
    &["indent", "sort_keys", "width", "default_flow_style", "allow_unicode", "explicit_start"];

/// The options that are given, each of them known to the format; of one that is given twice the last counts.
pub(super) struct Options<'a> {
    given: Vec<(&'a str, &'a Value)>,
    encoded: bool,
}

impl<'a> Options<'a> {
    /// Reads a mapping or a list of mappings.
    ///
    /// # Errors
    /// When one of them is none.
    pub(super) fn read(
        format: &str,
        options: Option<&'a Value>,
        encoding: Option<&str>,
    ) -> Result<Self, StateError> {
        if let Some(other) = encoding.filter(|e| !matches!(&*e.to_lowercase(), "utf-8" | "utf8" | "utf_8")) {
            return Err(StateError::failed(format!(
                "argument encoding: {other:?} is not written; utf-8 is, and file.managed takes others"
            )));
        }
        let known = match format {
            "json" => JSON,
            "yaml" => YAML,
            "python" | "configparser" => &[],
            _ => return Err(super::unknown(format)),
        };
        let maps = match options {
            None => &[],
            Some(Value::List(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        let mut given = Vec::new();
        let pairs = |item: &'a Value| item.as_map().ok_or_else(|| bad(format!("{item:#} is no mapping")));
        for (name, value) in maps.iter().map(pairs).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
            match name.as_str().filter(|name| known.contains(name)) {
                Some(name) => given.push((name, value)),
                None if known.is_empty() => return Err(bad(format!("the format {format} takes none"))),
                None => {
                    let known = known.join(", ");
                    return Err(bad(format!("{name} is not one that {format} takes: {known}")));
                }
            }
        }
        Ok(Self { given, encoded: encoding.is_some() })
    }

    pub(super) fn json(&self) -> Result<JsonStyle<'a>, StateError> {
        let (sorted, ascii) = (self.flag("sort_keys", true), self.flag("ensure_ascii", false));
        let mut style = JsonStyle::new(self.indent()?, sorted, ascii);
        match self.get("separators").map(|given| (given, given.as_list())) {
            None => style.separators = (",", ": "),
            // Python's own, where Salt's are taken away.
            Some((Value::Null, _)) => {}
            Some((_, Some([Value::Str(item), Value::Str(key)]))) => style.separators = (item, key),
            Some(_) => return Err(bad("separators are two texts".to_owned())),
        }
        Ok(style)
    }

    pub(super) fn yaml(&self) -> Result<FileStyle, StateError> {
        let usual = FileStyle::default();
        let width = self.get("width").filter(|v| !matches!(v, Value::Null));
        Ok(FileStyle {
            indent: self.indent()?.unwrap_or(usual.indent),
            flow: match self.get("default_flow_style") {
                Some(Value::Null) => None,
                Some(value) => Some(value.truthy()),
                None => usual.flow,
            },
            width: match width {
                None => usual.width,
                // As libyaml has it: less than nothing is without an end.
                Some(Value::Int(n)) => usize::try_from(*n).unwrap_or(usize::MAX),
                Some(_) => return Err(bad("width is a number of columns".to_owned())),
            },
            sort_keys: self.flag("sort_keys", usual.sort_keys),
            unicode: self.flag("allow_unicode", self.encoded),
            explicit_start: self.flag("explicit_start", usual.explicit_start),
        })
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.given.iter().rev().find(|(given, _)| *given == name).map(|(_, value)| *value)
    }

    fn flag(&self, name: &str, usual: bool) -> bool {
        self.get(name).map_or(usual, Value::truthy)
    }

    /// Returns the spaces of a level; none is one line in JSON.
    fn indent(&self) -> Result<Option<usize>, StateError> {
        match self.get("indent") {
            None => Ok(Some(2)),
            Some(Value::Null) => Ok(None),
            Some(Value::Int(n)) => Ok(usize::try_from((*n).clamp(0, 32)).ok()),
            Some(_) => Err(bad("indent is a number of spaces, or null".to_owned())),
        }
    }
}

fn bad(what: String) -> StateError {
    StateError::failed(format!("argument serializer_opts: {what}"))
}
