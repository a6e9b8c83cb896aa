//! Filters by name: Jinja's own, then Salt's. Those that need the engine (other filters, tests, attributes) are here.

mod addresses;
mod data;
mod hashes;
mod links;
mod lists;
mod machine;
mod nested;
mod patterns;
pub(super) mod pretty;
mod salt;
pub(super) mod text;

use std::rc::Rc;

use super::ast::Pos;
use super::call::{CallArgs, required};
use super::engine::{Engine, Frame};
use super::error::{Fault, Res};
use super::ops;
use super::value::{GROUP, Text, Undefined, Val};
use crate::render::error::RenderErrorKind;
use crate::render::python;

/// So many bytes of what a filter writes count as a step.
const BYTES_OF_STEP: u64 = 64;

/// The names of all filters, for suggestions.
const NAMES: &[&str] = &[
    "abs",
    "append_dict_key_value",
    "attr",
    "avg",
    "base64_decode",
    "base64_encode",
    "basename",
    "batch",
    "capitalize",
    "center",
    "check_whitelist_blacklist",
    "combinations",
    "combinations_with_replacement",
    "compare_dicts",
    "compare_lists",
    "compress",
    "contains_whitespace",
    "count",
    "d",
    "date_format",
    "default",
    "dict_to_sls_yaml_params",
    "dictsort",
    "difference",
    "dirname",
    "dns_check",
    "e",
    "escape",
    "exactly_n_true",
    "exactly_one_true",
    "extend_dict_key_value",
    "file_hashsum",
    "filesizeformat",
    "filter_by_networks",
    "first",
    "flatten",
    "float",
    "forceescape",
    "format",
    "from_entries",
    "gen_mac",
    "get_uid",
    "groupby",
    "hmac",
    "hmac_compute",
    "http_query",
    "human_to_bytes",
    "indent",
    "int",
    "intersect",
    "ip_host",
    "ipaddr",
    "ipv4",
    "ipv6",
    "ipwrap",
    "is_bin_file",
    "is_empty",
    "is_hex",
    "is_ip",
    "is_ipv4",
    "is_ipv6",
    "is_iter",
    "is_list",
    "is_text_file",
    "items",
    "join",
    "json",
    "json_decode_dict",
    "json_decode_list",
    "json_encode_dict",
    "json_encode_list",
    "json_query",
    "last",
    "length",
    "list",
    "list_files",
    "load_json",
    "load_text",
    "load_yaml",
    "lower",
    "mac_str_to_bytes",
    "map",
    "max",
    "md5",
    "method_call",
    "min",
    "mysql_to_dict",
    "network_hosts",
    "network_size",
    "path_join",
    "permutations",
    "pprint",
    "product",
    "python",
    "quote",
    "rand_str",
    "random",
    "random_hash",
    "random_sample",
    "random_shuffle",
    "random_str",
    "regex_escape",
    "regex_match",
    "regex_replace",
    "regex_search",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "sequence",
    "set_dict_key_value",
    "sha1",
    "sha256",
    "sha512",
    "skip",
    "slice",
    "sort",
    "sorted_ignorecase",
    "str_to_num",
    "strftime",
    "string",
    "striptags",
    "substring_in_list",
    "sum",
    "symmetric_difference",
    "title",
    "to_bool",
    "to_bytes",
    "to_camelcase",
    "to_entries",
    "to_num",
    "to_snake_case",
    "tojson",
    "traverse",
    "trim",
    "truncate",
    "union",
    "unique",
    "update_dict_key_value",
    "upper",
    "urlencode",
    "urlize",
    "uuid",
    "which",
    "wordcount",
    "wordwrap",
    "xml",
    "xmlattr",
    "yaml",
    "yaml_dquote",
    "yaml_encode",
    "yaml_squote",
    "zip",
    "zip_longest",
];

impl Engine<'_> {
    pub(super) fn filter(&self, frame: &Frame, name: &str, value: Val, args: CallArgs) -> Res<Val> {
        self.tick()?;
        match name {
            "default" | "d" => return default(value, args),
            "map" => return self.map(frame, &value, args),
            "select" | "reject" => return self.select(&value, args, name == "select", None),
            "selectattr" | "rejectattr" => {
                let mut args = args;
                if args.positional.is_empty() {
                    return Err(Fault::failed(format!("{name}() missing parameter for attribute name")));
                }
                let attribute = args.positional.remove(0);
                return self.select(&value, args, name == "selectattr", Some((frame, attribute)));
            }
            "method_call" => return self.method_call(frame, &value, args),
            // What is not there has no items.
            "items" if value.defined().is_err() => return Ok(Val::generator(Vec::new())),
            _ => {}
        }
        value.defined()?;
        match name {
            "attr" => self.attr(&value, args),
            "groupby" => self.groupby(frame, &value, args),
            "sort" => self.sort(frame, &value, args),
            "product" => lists::product(self, &value, &args),
            "unique" => self.unique(&value, args),
            "sum" => self.sum(frame, &value, args),
            "join" => self.join(frame, &value, args),
            "random" => {
                let items = value.iterate()?;
                let count = u64::try_from(items.len()).unwrap_or(1).max(1);
                let at = usize::try_from(self.random() % count).unwrap_or(0);
                items.get(at).cloned().ok_or_else(|| Fault::undefined("no random item, sequence was empty"))
            }
            "gen_mac" => {
                let low = self.random().to_be_bytes();
                Ok(Val::str(format!("{}:{:02X}:{:02X}:{:02X}", value.to_text()?, low[5], low[6], low[7])))
            }
            "urlize" => links::apply(&value, &args),
            "random_shuffle" | "random_sample" | "random_str" | "rand_str" | "random_hash" => {
                salt::random(self, name, &value, args)
            }
            "regex_search" | "regex_match" | "regex_replace" | "check_whitelist_blacklist" => {
                patterns::apply(self, name, &value, args)
            }
            "strftime" | "date_format" => salt::strftime(self.env.context.now, &value, args),
            _ => {
                let groups = [
                    lists::apply,
                    text::apply,
                    data::apply,
                    salt::apply,
                    hashes::apply,
                    addresses::apply,
                    nested::apply,
                ];
                for apply in groups {
                    if let Some(result) = apply(name, &value, &args)? {
                        if let Val::Str(text) = &result {
                            self.refuse_long(text.len())?;
                            self.spend(text.len() as u64 / BYTES_OF_STEP)?;
                        }
                        return Ok(result);
                    }
                }
                machine::apply(self, name, &value, &args)?.ok_or_else(|| unknown_filter(name))
            }
        }
    }

    /// Follows `a.b.0` from an item, as `map(attribute=…)` and its like do.
    pub(super) fn path(&self, frame: &Frame, item: &Val, path: &Val, default: Option<&Val>) -> Res<Val> {
        let mut current = item.clone();
        let parts: Vec<Val> = match path {
            Val::Str(text) => text
                .split('.')
                .map(|p| {
                    p.parse::<i128>()
                        .ok()
                        .filter(|_| p.bytes().all(|b| b.is_ascii_digit()))
                        .map_or_else(|| Val::str(p), Val::Int)
                })
                .collect(),
            other => vec![other.clone()],
        };
        for part in parts {
            current = self.item(frame, &current, &part)?;
            if current.is_undefined()
                && let Some(default) = default
            {
                return Ok(default.clone());
            }
        }
        Ok(current)
    }

    fn map(&self, frame: &Frame, value: &Val, args: CallArgs) -> Res<Val> {
        let items = value.iterate()?;
        let attribute = args.keyword.iter().find(|(k, _)| &**k == "attribute").map(|(_, v)| v.clone());
        let mut out = Vec::with_capacity(items.len());
        if let (Some(attribute), true) = (attribute, args.positional.is_empty()) {
            let default = args.keyword.iter().find(|(k, _)| &**k == "default").map(|(_, v)| v);
            for item in &items {
                out.push(self.path(frame, item, &attribute, default)?);
            }
            return Ok(Val::generator(out));
        }
        let mut args = args;
        if args.positional.is_empty() {
            return Err(Fault::failed("map requires a filter argument"));
        }
        let filter = args.positional.remove(0).to_text()?;
        for item in items {
            out.push(self.filter(frame, &filter, item, args.clone())?);
        }
        Ok(Val::generator(out))
    }

    fn select(&self, value: &Val, args: CallArgs, keep: bool, attribute: Option<(&Frame, Val)>) -> Res<Val> {
        let mut args = args;
        let test = if args.positional.is_empty() { None } else { Some(args.positional.remove(0).to_text()?) };
        let mut out = Vec::new();
        for item in value.iterate()? {
            let subject = match &attribute {
                Some((frame, path)) => self.path(frame, &item, path, None)?,
                None => item.clone(),
            };
            let holds = match &test {
                Some(test) => self.check(test, &subject, args.clone())?,
                None => subject.truthy()?,
            };
            if holds == keep {
                out.push(item);
            }
        }
        Ok(Val::generator(out))
    }

    fn method_call(&self, frame: &Frame, value: &Val, mut args: CallArgs) -> Res<Val> {
        if args.positional.is_empty() {
            return Err(Fault::failed("method_call() missing 1 required positional argument: 'f_name'"));
        }
        let name: Text = args.positional.remove(0).to_text()?.into();
        match self.attribute(frame, value, &name)? {
            Val::Undefined(_) => Ok(Val::None),
            method => self.call(frame, &method, args, Pos::default()),
        }
    }

    /// The key of sorting and grouping: an attribute or the item, lower case unless case matters.
    fn sort_key(
        &self,
        frame: &Frame,
        item: &Val,
        attribute: Option<&Val>,
        case: bool,
        default: Option<&Val>,
    ) -> Res<Val> {
        let found = match attribute {
            Some(path) => self.path(frame, item, path, default)?,
            None => item.clone(),
        };
        Ok(match &found {
            Val::Str(s) if !case => Val::str(s.to_lowercase()),
            _ => found,
        })
    }

    fn sort(&self, frame: &Frame, value: &Val, args: CallArgs) -> Res<Val> {
        let [reverse, case, attribute] = args.bind("sort", ["reverse", "case_sensitive", "attribute"])?;
        let reverse = reverse.map_or(Ok(false), |v| v.truthy())?;
        let case = case.map_or(Ok(false), |v| v.truthy())?;
        let items = value.iterate()?;
        let attributes: Vec<Val> = match &attribute {
            Some(Val::Str(text)) => text.split(',').map(Val::str).collect(),
            Some(Val::None) | None => Vec::new(),
            Some(other) => vec![other.clone()],
        };
        let key = |item: &Val| -> Res<Val> {
            if attributes.is_empty() {
                return self.sort_key(frame, item, None, case, None);
            }
            let keys = attributes.iter().map(|a| self.sort_key(frame, item, Some(a), case, None));
            Ok(Val::list(keys.collect::<Res<Vec<_>>>()?))
        };
        Ok(Val::list(ops::sort_by_key(items, key, reverse)?))
    }

    /// An attribute alone: what a mapping holds is none.
    fn attr(&self, value: &Val, args: CallArgs) -> Res<Val> {
        let [name] = args.bind("attr", ["name"])?;
        let name: Text = required(name, "attr", "name")?.to_text()?.into();
        Ok(match (self.python_attribute(value, &name)?, value) {
            (Some(found), _) => found,
            (None, Val::Dict(_)) => Val::Undefined(Rc::new(Undefined {
                message: format!("'dict object' has no attribute '{name}'"),
                suggestion: Some(format!("a key of a mapping is read by x[{}]", python::quoted(&name))),
                kind: RenderErrorKind::JinjaUndefined,
            })),
            (None, _) => self.missing(value, &Val::Str(name)),
        })
    }

    fn groupby(&self, frame: &Frame, value: &Val, args: CallArgs) -> Res<Val> {
        let [attribute, default, case] = args.bind("groupby", ["attribute", "default", "case_sensitive"])?;
        let attribute = required(attribute, "groupby", "attribute")?;
        let case = case.map_or(Ok(false), |v| v.truthy())?;
        let key = |item: &Val| self.sort_key(frame, item, Some(&attribute), case, default.as_ref());
        let sorted = ops::sort_by_key(value.iterate()?, key, false)?;
        let mut groups: Vec<(Val, Val, Vec<Val>)> = Vec::new();
        for item in sorted {
            let this = key(&item)?;
            match groups.last_mut() {
                Some((last, _, items)) if ops::equal(last, &this)? => items.push(item),
                _ => {
                    // The group is shown with the first item's own value, not the lower-case key.
                    let shown = self.path(frame, &item, &attribute, default.as_ref())?;
                    groups.push((this, shown, vec![item]));
                }
            }
        }
        let groups = groups
            .into_iter()
            .map(|(_, grouper, items)| Val::named_tuple(&GROUP, vec![grouper, Val::list(items)]));
        Ok(Val::list(groups.collect()))
    }

    /// Salt's `unique`, which replaces Jinja's: a list without repetitions, or a set of something immutable.
    fn unique(&self, value: &Val, args: CallArgs) -> Res<Val> {
        args.bind("unique", ["case_sensitive", "attribute"])?;
        lists::unique(value)
    }

    fn sum(&self, frame: &Frame, value: &Val, args: CallArgs) -> Res<Val> {
        let [attribute, start] = args.bind("sum", ["attribute", "start"])?;
        let mut total = start.unwrap_or(Val::Int(0));
        for item in value.iterate()? {
            let item = match &attribute {
                Some(Val::None) | None => item,
                Some(path) => self.path(frame, &item, path, None)?,
            };
            total = ops::binary(super::ast::BinaryOp::Add, &total, &item)?;
        }
        Ok(total)
    }

    fn join(&self, frame: &Frame, value: &Val, args: CallArgs) -> Res<Val> {
        let [separator, attribute] = args.bind("join", ["d", "attribute"])?;
        let separator = separator.map_or(Ok(String::new()), |s| s.to_text())?;
        let mut out = String::new();
        for (index, item) in value.iterate()?.into_iter().enumerate() {
            let item = match &attribute {
                Some(Val::None) | None => item,
                Some(path) => self.path(frame, &item, path, None)?,
            };
            if index > 0 {
                out.push_str(&separator);
            }
            out.push_str(&item.to_text()?);
            self.refuse_long(out.len())?;
        }
        Ok(Val::str(out))
    }
}

fn default(value: Val, args: CallArgs) -> Res<Val> {
    let [default, boolean] = args.bind("default", ["default_value", "boolean"])?;
    let boolean = boolean.map_or(Ok(false), |b| b.truthy())?;
    let replace = value.is_undefined() || (boolean && !value.truthy()?);
    Ok(if replace { default.unwrap_or_else(|| Val::str("")) } else { value })
}

fn unknown_filter(name: &str) -> Fault {
    let near = crate::nearest::nearest(name, NAMES.iter().copied());
    let remedy = near.map_or_else(
        || {
            "the filters are those of Jinja and of Salt; a function is called as salt['MODULE.FUNCTION'](…)"
                .to_owned()
        },
        |n| format!("did you mean '{n}'?"),
    );
    Fault::syntax(format!("no filter named '{name}'")).suggest(remedy)
}

/// Tells whether a filter exists.
pub(super) fn is_filter(name: &str) -> bool {
    NAMES.contains(&name)
}

pub(super) use patterns::begins;

/// Returns the truth of an optional argument.
pub(super) fn flag(value: Option<Val>, default: bool) -> Res<bool> {
    value.map_or(Ok(default), |v| v.truthy())
}

/// Returns a number that counts something.
pub(super) fn count(value: Option<&Val>, default: usize) -> Res<usize> {
    match value {
        None => Ok(default),
        Some(Val::Int(i)) => Ok(usize::try_from((*i).max(0)).unwrap_or(usize::MAX)),
        Some(Val::Bool(b)) => Ok(usize::from(*b)),
        Some(other) => Err(Fault::failed(format!(
            "'{}' object cannot be interpreted as an integer",
            other.defined()?.type_name()
        ))),
    }
}

pub(super) fn shared(text: &str) -> Val {
    Val::Str(Rc::from(text))
}
