//! Values from data and back.

use std::cell::RefCell;
use std::rc::Rc;

use lab_proto::Value;

use super::{DictCell, Fault, Key, Object, Res, Val};
use crate::render::yaml;

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
        self.to_data_at(0, false)
    }

    /// Makes data with the keys in the order in which YAML has them.
    pub(in crate::render::jinja) fn to_yaml_data(&self) -> Res<Value> {
        self.to_data_at(0, true)
    }

    fn to_data_at(&self, depth: usize, sort: bool) -> Res<Value> {
        if depth > 100 {
            return Err(Fault::bounds("the value is nested deeper than 100 levels, or contains itself"));
        }
        let all =
            |items: &[Self]| items.iter().map(|v| v.to_data_at(depth + 1, sort)).collect::<Res<Vec<_>>>();
        Ok(match self.defined()? {
            Self::None => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Float(f) => Value::Float(*f),
            Self::Str(s) => Value::from(&**s),
            Self::Bytes(b) => Value::Bytes(b.to_vec()),
            Self::List(l) => Value::List(all(&l.borrow())?),
            Self::Tuple(l) => Value::Tuple(all(l)?),
            Self::Dict(d) => {
                let mut map = lab_proto::value::Map::new();
                for (k, v) in d.borrow().iter() {
                    map.insert(k.0.to_data_at(depth + 1, sort)?, v.to_data_at(depth + 1, sort)?);
                }
                if sort && !d.ordered {
                    let sorted = yaml::sorted(&map).into_iter().map(|(k, v)| (k.clone(), v.clone()));
                    map = sorted.collect();
                }
                Value::Map(map)
            }
            Self::Object(object) => match &**object {
                Object::Namespace(attributes) => {
                    let mut map = lab_proto::value::Map::new();
                    for (k, v) in attributes.borrow().iter() {
                        map.insert(Value::from(&**k), v.to_data_at(depth + 1, sort)?);
                    }
                    Value::Map(map)
                }
                Object::Module { text, .. } => Value::from(&**text),
                Object::SaltFunction(name) => Value::from(&**name),
                _ => return Err(Fault::failed(format!("a {} is no data", self.type_name()))),
            },
            Self::Nothing => Value::from(""),
            Self::Set(_) | Self::Range(_) | Self::View(_) | Self::Iter(_) | Self::Undefined(_) => {
                Value::List(all(&self.iterate()?)?)
            }
        })
    }
}
