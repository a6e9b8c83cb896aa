//! Operators with Python's meaning.

use std::cmp::Ordering;
use std::rc::Rc;

use super::ast::{BinaryOp, CompareOp};
use super::error::{Fault, Res};
use super::format;
use super::value::{DictCell, Key, Val};
use super::walk;

/// The most items or bytes that one repetition may make.
const MAX_REPEAT: usize = 16 << 20;

/// A number, with booleans as the integers that they are in Python.
#[derive(Clone, Copy, Debug)]
pub(super) enum Num {
    Int(i128),
    Float(f64),
}

impl Num {
    pub(super) fn of(value: &Val) -> Option<Self> {
        match value {
            Val::Bool(b) => Some(Self::Int(i128::from(*b))),
            Val::Int(i) => Some(Self::Int(*i)),
            Val::Float(f) => Some(Self::Float(*f)),
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "Python rounds here as well")]
    pub(super) fn float(self) -> f64 {
        match self {
            Self::Int(i) => i as f64,
            Self::Float(f) => f,
        }
    }

    pub(super) fn val(self) -> Val {
        match self {
            Self::Int(i) => Val::Int(i),
            Self::Float(f) => Val::Float(f),
        }
    }
}

fn unsupported(op: BinaryOp, a: &Val, b: &Val) -> Fault {
    if let (BinaryOp::Add, Val::Str(_)) = (op, a) {
        return Fault::failed(format!("can only concatenate str (not \"{}\") to str", b.type_name()))
            .suggest("join with ~ to have every part turned into text");
    }
    let message = format!(
        "unsupported operand type(s) for {}: '{}' and '{}'",
        op.symbol(),
        a.type_name(),
        b.type_name()
    );
    Fault::failed(message)
}

/// Computes a binary operation.
pub(super) fn binary(op: BinaryOp, a: &Val, b: &Val) -> Res<Val> {
    a.defined()?;
    b.defined()?;
    if let (Some(x), Some(y)) = (Num::of(a), Num::of(b)) {
        return arithmetic(op, x, y);
    }
    match (op, a, b) {
        (BinaryOp::Add, Val::Str(x), Val::Str(y)) => Ok(Val::str(format!("{x}{y}"))),
        (BinaryOp::Add, Val::List(x), Val::List(y)) => {
            let mut items = x.borrow().clone();
            items.extend(y.borrow().iter().cloned());
            limit(items.len())?;
            Ok(Val::list(items))
        }
        (BinaryOp::Add, Val::Tuple(x), Val::Tuple(y)) => {
            Ok(Val::tuple(x.iter().chain(y.iter()).cloned().collect()))
        }
        (BinaryOp::Mul, Val::Int(n), other) | (BinaryOp::Mul, other, Val::Int(n)) => {
            repeat(op, other, *n, a, b)
        }
        (BinaryOp::Mod, Val::Str(pattern), _) => Ok(Val::str(format::percent(pattern, b)?)),
        (BinaryOp::Sub, Val::Set(x), Val::Set(y)) => {
            let (x, y) = (x.borrow(), y.borrow());
            let kept = x.iter().filter(|(k, _)| !y.contains_key(*k)).map(|(k, v)| (k.clone(), v.clone()));
            Ok(Val::Set(DictCell::new(kept.collect())))
        }
        _ => Err(unsupported(op, a, b)),
    }
}

fn limit(len: usize) -> Res<()> {
    if len > MAX_REPEAT { Err(Fault::bounds("the result is too large")) } else { Ok(()) }
}

fn repeat(op: BinaryOp, value: &Val, times: i128, a: &Val, b: &Val) -> Res<Val> {
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    let check = |len: usize| limit(len.saturating_mul(times));
    match value {
        Val::Str(s) => {
            check(s.len())?;
            Ok(Val::str(s.repeat(times)))
        }
        Val::List(items) => {
            let items = items.borrow();
            check(items.len() * 16)?;
            Ok(Val::list(items.iter().cloned().cycle().take(items.len() * times).collect()))
        }
        Val::Tuple(items) => {
            check(items.len() * 16)?;
            Ok(Val::tuple(items.iter().cloned().cycle().take(items.len() * times).collect()))
        }
        _ => Err(unsupported(op, a, b)),
    }
}

fn arithmetic(op: BinaryOp, x: Num, y: Num) -> Res<Val> {
    let overflow = || Fault::bounds("the number does not fit in 128 bits");
    let zero = |what: &str| Fault::failed(what.to_owned());
    if let (Num::Int(a), Num::Int(b)) = (x, y) {
        return match op {
            BinaryOp::Add => a.checked_add(b).map(Val::Int).ok_or_else(overflow),
            BinaryOp::Sub => a.checked_sub(b).map(Val::Int).ok_or_else(overflow),
            BinaryOp::Mul => a.checked_mul(b).map(Val::Int).ok_or_else(overflow),
            BinaryOp::Div if b == 0 => Err(zero("division by zero")),
            BinaryOp::Div => Ok(Val::Float(x.float() / y.float())),
            BinaryOp::FloorDiv if b == 0 => Err(zero("integer division or modulo by zero")),
            BinaryOp::FloorDiv => {
                let q = a.checked_div(b).ok_or_else(overflow)?;
                Ok(Val::Int(if a % b != 0 && ((a < 0) != (b < 0)) { q - 1 } else { q }))
            }
            BinaryOp::Mod if b == 0 => Err(zero("integer modulo by zero")),
            BinaryOp::Mod => {
                let r = a.checked_rem(b).ok_or_else(overflow)?;
                Ok(Val::Int(if r != 0 && ((r < 0) != (b < 0)) { r + b } else { r }))
            }
            BinaryOp::Pow if b < 0 => Ok(Val::Float(x.float().powf(y.float()))),
            BinaryOp::Pow => {
                let exponent = u32::try_from(b).map_err(|_| overflow())?;
                a.checked_pow(exponent).map(Val::Int).ok_or_else(overflow)
            }
        };
    }
    let (a, b) = (x.float(), y.float());
    Ok(Val::Float(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div if b == 0.0 => return Err(zero("float division by zero")),
        BinaryOp::Div => a / b,
        BinaryOp::FloorDiv | BinaryOp::Mod if b == 0.0 => return Err(zero("float modulo")),
        BinaryOp::FloorDiv => (a / b).floor(),
        BinaryOp::Mod => {
            let r = a % b;
            if r != 0.0 && ((r < 0.0) != (b < 0.0)) { r + b } else { r }
        }
        BinaryOp::Pow => a.powf(b),
    }))
}

/// Tells whether two values are equal in Python.
pub(super) fn equal(a: &Val, b: &Val) -> Res<bool> {
    equal_at(a, b, 0)
}

fn equal_at(a: &Val, b: &Val, depth: usize) -> Res<bool> {
    if depth > 100 {
        return Err(Fault::bounds("the values are nested deeper than 100 levels, or contain themselves"));
    }
    if depth > 0 {
        walk::see()?;
    }
    a.defined()?;
    b.defined()?;
    if let (Some(x), Some(y)) = (Num::of(a), Num::of(b)) {
        return Ok(match (x, y) {
            (Num::Int(x), Num::Int(y)) => x == y,
            _ => x.float() == y.float(),
        });
    }
    let all = |x: &[Val], y: &[Val]| -> Res<bool> {
        if x.len() != y.len() {
            return Ok(false);
        }
        for (x, y) in x.iter().zip(y) {
            if !equal_at(x, y, depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    Ok(match (a, b) {
        (Val::None, Val::None) | (Val::Nothing, Val::Nothing) => true,
        (Val::Str(x), Val::Str(y)) => x == y,
        (Val::Bytes(x), Val::Bytes(y)) => x == y,
        (Val::List(x), Val::List(y)) => Rc::ptr_eq(x, y) || all(&x.borrow(), &y.borrow())?,
        (Val::Tuple(x), Val::Tuple(y)) => Rc::ptr_eq(x, y) || all(x, y)?,
        (Val::Dict(x), Val::Dict(y)) | (Val::Set(x), Val::Set(y)) => {
            if Rc::ptr_eq(x, y) {
                return Ok(true);
            }
            let (x, y) = (x.borrow(), y.borrow());
            if x.len() != y.len() {
                return Ok(false);
            }
            for (key, value) in x.iter() {
                match y.get(key) {
                    Some(other) if equal_at(value, other, depth + 1)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Val::Range(_), Val::Range(_)) => all(&a.iterate()?, &b.iterate()?)?,
        (Val::View(x), Val::View(y)) => Rc::ptr_eq(x, y) || all(&x.items, &y.items)?,
        (Val::Iter(x), Val::Iter(y)) => Rc::ptr_eq(x, y),
        (Val::Object(x), Val::Object(y)) => Rc::ptr_eq(x, y),
        _ => false,
    })
}

/// Orders two values as `<` does.
pub(super) fn order(a: &Val, b: &Val, op: &str) -> Res<Option<Ordering>> {
    a.defined()?;
    b.defined()?;
    if let (Some(x), Some(y)) = (Num::of(a), Num::of(b)) {
        return Ok(match (x, y) {
            (Num::Int(x), Num::Int(y)) => Some(x.cmp(&y)),
            _ => x.float().partial_cmp(&y.float()),
        });
    }
    let sequence = |x: &[Val], y: &[Val]| -> Res<Option<Ordering>> {
        for (x, y) in x.iter().zip(y) {
            if !equal_at(x, y, 1)? {
                return order(x, y, op);
            }
        }
        Ok(Some(x.len().cmp(&y.len())))
    };
    match (a, b) {
        (Val::Str(x), Val::Str(y)) => Ok(Some(x.cmp(y))),
        (Val::Bytes(x), Val::Bytes(y)) => Ok(Some(x.cmp(y))),
        (Val::List(x), Val::List(y)) => sequence(&x.borrow(), &y.borrow()),
        (Val::Tuple(x), Val::Tuple(y)) => sequence(x, y),
        _ => Err(Fault::failed(format!(
            "'{op}' not supported between instances of '{}' and '{}'",
            a.type_name(),
            b.type_name()
        ))),
    }
}

/// Computes a comparison.
pub(super) fn compare(op: CompareOp, a: &Val, b: &Val) -> Res<bool> {
    let ordered = |f: fn(Ordering) -> bool| Ok(order(a, b, op.symbol())?.is_some_and(f));
    match op {
        CompareOp::Eq => equal(a, b),
        CompareOp::Ne => Ok(!equal(a, b)?),
        CompareOp::Lt => ordered(Ordering::is_lt),
        CompareOp::Le => ordered(Ordering::is_le),
        CompareOp::Gt => ordered(Ordering::is_gt),
        CompareOp::Ge => ordered(Ordering::is_ge),
        CompareOp::In => contains(b, a),
        CompareOp::NotIn => Ok(!contains(b, a)?),
    }
}

/// Tells whether a container has an item.
pub(super) fn contains(container: &Val, item: &Val) -> Res<bool> {
    match container.defined()? {
        Val::Str(text) => match item.defined()? {
            Val::Str(part) => Ok(text.contains(&**part)),
            other => Err(Fault::failed(format!(
                "'in <string>' requires string as left operand, not {}",
                other.type_name()
            ))),
        },
        Val::Dict(d) | Val::Set(d) => Ok(d.borrow().contains_key(&Key::new(item.clone())?)),
        Val::Object(_) | Val::None | Val::Bool(_) | Val::Int(_) | Val::Float(_) => {
            Err(Fault::failed(format!("argument of type '{}' is not iterable", container.type_name())))
        }
        _ => among(&container.iterate()?, item),
    }
}

/// Tells whether one of some items is equal to another.
pub(super) fn among(items: &[Val], item: &Val) -> Res<bool> {
    for each in items {
        if equal(each, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sorts as Python's `sorted` does, by a key; equal items keep their order.
///
/// The library's sort may panic when an order is inconsistent, and Python's `<` on NaN is, so this one is our own.
pub(super) fn sort_by_key(
    items: Vec<Val>,
    mut key: impl FnMut(&Val) -> Res<Val>,
    reverse: bool,
) -> Res<Vec<Val>> {
    let mut runs = Vec::with_capacity(items.len());
    for item in items {
        runs.push(vec![(key(&item)?, item)]);
    }
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(left, right, reverse)?,
                None => left,
            });
        }
        runs = merged;
    }
    Ok(runs.pop().unwrap_or_default().into_iter().map(|(_, item)| item).collect())
}

type Keyed = Vec<(Val, Val)>;

fn merge(left: Keyed, right: Keyed, reverse: bool) -> Res<Keyed> {
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some((a, _)), Some((b, _))) = (left.peek(), right.peek()) {
        let right_first = if reverse { order(a, b, "<")? } else { order(b, a, "<")? } == Some(Ordering::Less);
        out.extend(if right_first { right.next() } else { left.next() });
    }
    out.extend(left);
    out.extend(right);
    Ok(out)
}
