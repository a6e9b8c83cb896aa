//! Values from data and back.

use std::cell::RefCell;
use std::rc::Rc;

use lab_proto::{Map, Value};

use super::{DictCell, Fault, Key, Object, Res, Val};
use crate::render::yaml;

/// The most that a value may be written out to, in bytes: one that holds another many times over is small until then.
pub(in crate::render::jinja) const MOST: usize = 16 << 20;
/// What a value counts for beside its text.
const NODE: usize = 16;

impl Val {
    /// Makes a value from data.
    pub(in crate::render::jinja) fn from_data(value: &Value) -> Self {
        Self::from_data_as(value, false)
    }

    /// Makes a value from data whose mappings keep their order also in YAML.
    pub(in crate::render::jinja) fn from_ordered_data(value: &Value) -> Self {
        Self::from_data_as(value, true)
    }

    fn from_data_as(value: &Value, ordered: bool) -> Self {
        let make = |value: &Value| Self::from_data_as(value, ordered);
        match value {
            Value::Null => Self::None,
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(i) => Self::Int(*i),
            Value::Float(f) => Self::Float(*f),
            Value::Str(s) => Self::str(s.as_str()),
            Value::Bytes(b) => Self::Bytes(b.as_slice().into()),
            Value::List(items) => Self::list(items.iter().map(make).collect()),
            Value::Tuple(items) => Self::tuple(items.iter().map(make).collect()),
            Value::Map(map) => {
                let entries = map.iter().map(|(k, v)| (Key(make(k)), make(v))).collect();
                Self::Dict(Rc::new(DictCell { entries: RefCell::new(entries), ordered }))
            }
        }
    }

    /// Makes data from a value, for arguments of functions and for serialisation.
    pub(in crate::render::jinja) fn to_data(&self) -> Res<Value> {
        self.to_data_at(0, false, &mut 0)
    }

    /// Makes data with the keys in the order in which YAML has them.
    pub(in crate::render::jinja) fn to_yaml_data(&self) -> Res<Value> {
        self.to_data_at(0, true, &mut 0)
    }

    fn to_data_at(&self, depth: usize, sort: bool, size: &mut usize) -> Res<Value> {
        if depth > 100 {
            return Err(too_deep());
        }
        *size += NODE + self.text_len();
        if *size > MOST {
            return Err(too_large());
        }
        Ok(match self.defined()? {
            Self::None => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Float(f) => Value::Float(*f),
            Self::Str(s) => Value::from(&**s),
            Self::Bytes(b) => Value::Bytes(b.to_vec()),
            Self::List(l) => Value::List(items_to_data(&l.borrow(), depth, sort, size)?),
            Self::Tuple(l) => Value::Tuple(items_to_data(l, depth, sort, size)?),
            Self::Dict(d) => entries_to_data(d, depth, sort, size)?,
            Self::Object(object) => match &**object {
                Object::Namespace(attributes) => {
                    let mut map = Map::new();
                    for (k, v) in attributes.borrow().iter() {
                        map.insert(Value::from(&**k), v.to_data_at(depth + 1, sort, size)?);
                    }
                    Value::Map(map)
                }
                Object::Module { text, .. } => Value::from(&**text),
                Object::SaltFunction(name) => Value::from(&**name),
                _ => return Err(Fault::failed(format!("a {} is no data", self.type_name()))),
            },
            Self::Nothing => Value::from(""),
            Self::Set(_) | Self::Range(_) | Self::View(_) | Self::Iter(_) | Self::Undefined(_) => {
                Value::List(items_to_data(&self.iterate()?, depth, sort, size)?)
            }
        })
    }

    /// Refuses what would be too large, before copies are made of it.
    pub(in crate::render::jinja) fn refuse_large(&self) -> Res<()> {
        self.defined()?.measure(0, &mut 0)
    }

    fn measure(&self, depth: usize, size: &mut usize) -> Res<()> {
        if depth > 100 {
            return Err(too_deep());
        }
        *size += NODE + self.text_len();
        if *size > MOST {
            return Err(too_large());
        }
        match self {
            Self::List(items) => items.borrow().iter().try_for_each(|item| item.measure(depth + 1, size)),
            Self::Tuple(items) => items.iter().try_for_each(|item| item.measure(depth + 1, size)),
            Self::Dict(dict) | Self::Set(dict) => dict.borrow().iter().try_for_each(|(key, value)| {
                key.0.measure(depth + 1, size)?;
                value.measure(depth + 1, size)
            }),
            // Others are written out where they are, not copied.
            _ => Ok(()),
        }
    }

    fn text_len(&self) -> usize {
        match self {
            Self::Str(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

fn items_to_data(items: &[Val], depth: usize, sort: bool, size: &mut usize) -> Res<Vec<Value>> {
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        out.push(item.to_data_at(depth + 1, sort, size)?);
    }
    Ok(out)
}

fn entries_to_data(dict: &DictCell, depth: usize, sort: bool, size: &mut usize) -> Res<Value> {
    let mut map = Map::new();
    for (key, value) in dict.borrow().iter() {
        let key = key.0.to_data_at(depth + 1, sort, size)?;
        map.insert(key, value.to_data_at(depth + 1, sort, size)?);
    }
    if sort && !dict.ordered {
        let sorted = yaml::sorted(&map).into_iter().map(|(k, v)| (k.clone(), v.clone()));
        map = sorted.collect();
    }
    Ok(Value::Map(map))
}

/// Refuses a value that is larger than [`MOST`].
pub(in crate::render::jinja) fn too_large() -> Fault {
    Fault::bounds(format!("the value is larger than {MOST} bytes when it is written out"))
        .suggest("look for a list or a mapping that is put into another many times over")
}

/// Refuses a value that is nested too deeply.
pub(in crate::render::jinja) fn too_deep() -> Fault {
    Fault::bounds("the value is nested deeper than 100 levels, or contains itself")
}
