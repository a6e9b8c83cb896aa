//! Archives of this machine, unpacked as streams in constant memory.
//!
//! An archive may come from anywhere, so nothing of it is believed: no path may climb out of the directory, no link may
//! lead out of it, and nothing is written through a link that does.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Component, Path, PathBuf};

use lab_states::host::{
    ArchiveEntry, ArchiveFormat, ArchiveKind, ArchiveSource, Archives, Cause, Extraction, HostError,
};

use super::LinuxHost;

/// A tar of a million entries is none that a state unpacks.
const MAX_ENTRIES: usize = 2_000_000;
/// What decoding xz may take of memory, in KiB: the largest preset needs 65 MiB.
const XZ_MEMORY: u32 = 256 << 10;
/// The largest link target that is read from a zip.
const MAX_LINK: u64 = 4096;

impl Archives for LinuxHost {
    fn archive_list(
        &self,
        source: ArchiveSource<'_>,
        format: ArchiveFormat,
    ) -> Result<Vec<ArchiveEntry>, HostError> {
        let mut entries = Vec::new();
        each(source, format, |entry, _| {
            if entries.len() >= MAX_ENTRIES {
                return Err(io::Error::other(format!("it has more than {MAX_ENTRIES} entries")));
            }
            entries.push(entry.entry.clone());
            Ok(())
        })
        .map_err(|e| failed("read archive", source, &e))?;
        Ok(entries)
    }

    fn archive_extract(
        &self,
        source: ArchiveSource<'_>,
        format: ArchiveFormat,
        how: &Extraction,
    ) -> Result<(), HostError> {
        let bad = |e: &io::Error| failed("unpack archive", source, e);
        let root = fs::canonicalize(&how.into).map_err(|e| HostError::io("unpack into", &how.into, &e))?;
        // Directories get their modes last: one that may not be written to can still be filled before.
        let mut modes: Vec<(PathBuf, u32)> = Vec::new();
        each(source, format, |entry, content| {
            let Some(below) = stripped(&entry.entry.path, how.strip)? else { return Ok(()) };
            let target = root.join(&below);
            parents(&root, &target, how)?;
            if let Some(mode) = unpack(&root, &target, entry, content, how)? {
                modes.push((target, mode));
            }
            Ok(())
        })
        .map_err(|e| bad(&e))?;
        for (path, mode) in modes.iter().rev() {
            fs::set_permissions(path, Permissions::from_mode(*mode)).map_err(|e| bad(&e))?;
        }
        Ok(())
    }
}

/// One entry with what the archive says of it.
struct Found {
    entry: ArchiveEntry,
    mode: u32,
    mtime: Option<u64>,
}

type Visit<'a> = dyn FnMut(&Found, &mut dyn Read) -> io::Result<()> + 'a;

fn each(
    source: ArchiveSource<'_>,
    format: ArchiveFormat,
    mut visit: impl FnMut(&Found, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    match (source, format) {
        (ArchiveSource::File(path), ArchiveFormat::Tar) => tar(BufReader::new(File::open(path)?), &mut visit),
        (ArchiveSource::Bytes(bytes), ArchiveFormat::Tar) => tar(Cursor::new(bytes), &mut visit),
        (ArchiveSource::File(path), ArchiveFormat::Zip) => zip(BufReader::new(File::open(path)?), &mut visit),
        (ArchiveSource::Bytes(bytes), ArchiveFormat::Zip) => zip(Cursor::new(bytes), &mut visit),
    }
}

fn tar(mut source: impl BufRead, visit: &mut Visit<'_>) -> io::Result<()> {
    let head = source.fill_buf()?;
    let stream: Box<dyn Read + '_> = match head {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::bufread::MultiBzDecoder::new(source)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            Box::new(lzma_rust2::XzReader::new_mem_limit(source, true, XZ_MEMORY))
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Box::new(ruzstd::decoding::StreamingDecoder::new(source).map_err(io::Error::other)?)
        }
        _ => Box::new(source),
    };
    let mut archive = tar::Archive::new(stream);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let link = |entry: &tar::Entry<'_, _>| -> io::Result<String> {
            let bytes = entry.link_name_bytes().unwrap_or_default();
            Ok(text(&bytes)?.to_owned())
        };
        let kind = match entry.header().entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
                ArchiveKind::File
            }
            tar::EntryType::Directory => ArchiveKind::Dir,
            tar::EntryType::Symlink => ArchiveKind::Symlink(link(&entry)?),
            tar::EntryType::Link => ArchiveKind::Hardlink(link(&entry)?),
            tar::EntryType::XGlobalHeader => continue,
            _ => ArchiveKind::Special,
        };
        let path = text(&entry.path_bytes())?.to_owned();
        let found = Found {
            entry: ArchiveEntry { path, kind },
            mode: entry.header().mode().unwrap_or(0o644) & 0o7777,
            mtime: entry.header().mtime().ok(),
        };
        visit(&found, &mut entry)?;
    }
    Ok(())
}

fn text(bytes: &[u8]) -> io::Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| {
        let shown = String::from_utf8_lossy(bytes).into_owned();
        io::Error::other(format!("the name {shown:?} in it is no UTF-8"))
    })
}

fn zip(source: impl Read + Seek, visit: &mut Visit<'_>) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(source).map_err(io::Error::other)?;
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(io::Error::other)?;
        let path = file.name().map_err(io::Error::other)?.into_owned();
        let mode = file.unix_mode().map(|m| m & 0o7777);
        let kind = if file.is_dir() {
            ArchiveKind::Dir
        } else if file.is_symlink() {
            let mut target = String::new();
            (&mut file).take(MAX_LINK).read_to_string(&mut target)?;
            ArchiveKind::Symlink(target)
        } else {
            ArchiveKind::File
        };
        let mode = mode.unwrap_or(if kind == ArchiveKind::Dir { 0o755 } else { 0o644 });
        let found = Found { entry: ArchiveEntry { path, kind }, mode, mtime: None };
        visit(&found, &mut file)?;
    }
    Ok(())
}

/// Returns the path of an entry below the directory, without its first parts; `None` where nothing is left.
fn stripped(path: &str, strip: usize) -> io::Result<Option<PathBuf>> {
    let refuse = || io::Error::other(format!("the entry {path:?} would leave the directory"));
    let mut parts = Vec::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(refuse()),
        }
    }
    if path.contains('\0') {
        return Err(refuse());
    }
    Ok(Some(parts.into_iter().skip(strip).collect::<PathBuf>()).filter(|p| !p.as_os_str().is_empty()))
}

/// Makes the directories above a target, and looks that links among them lead nowhere else.
fn parents(root: &Path, target: &Path, how: &Extraction) -> io::Result<()> {
    let mut missing: Vec<&Path> = Vec::new();
    for dir in target.ancestors().skip(1).take_while(|d| d.starts_with(root)) {
        match fs::canonicalize(dir) {
            Ok(real) if real.starts_with(root) => break,
            Ok(_) => return Err(io::Error::other(format!("{} leads out of the directory", dir.display()))),
            Err(e) if e.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(dir).is_err() => {
                missing.push(dir)
            }
            Err(e) => return Err(e),
        }
    }
    for dir in missing.into_iter().rev() {
        fs::create_dir(dir)?;
        own(dir, how)?;
    }
    Ok(())
}

/// Unpacks one entry; returns the mode that a directory gets in the end.
fn unpack(
    root: &Path,
    target: &Path,
    found: &Found,
    content: &mut dyn Read,
    how: &Extraction,
) -> io::Result<Option<u32>> {
    match &found.entry.kind {
        ArchiveKind::Dir => {
            match fs::symlink_metadata(target) {
                Ok(meta) if meta.is_dir() => {}
                // A link to a directory stands for it, as long as it stays inside.
                Ok(_) if fs::canonicalize(target).is_ok_and(|r| r.is_dir() && r.starts_with(root)) => {
                    return Ok(None);
                }
                Ok(_) => {
                    return Err(io::Error::other(format!(
                        "{} is in the way of a directory",
                        target.display()
                    )));
                }
                Err(_) => fs::create_dir(target)?,
            }
            own(target, how)?;
            return Ok(Some(found.mode));
        }
        ArchiveKind::File => {
            clear(target)?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
            io::copy(content, &mut file)?;
            file.flush()?;
            own(target, how)?;
            // After the owner, whose change clears setuid.
            file.set_permissions(Permissions::from_mode(found.mode))?;
            if let Some(seconds) = found.mtime {
                file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))?;
            }
        }
        ArchiveKind::Symlink(to) => {
            stays(root, target, to)?;
            clear(target)?;
            symlink(to, target)?;
            own(target, how)?;
        }
        ArchiveKind::Hardlink(to) => {
            let Some(below) = stripped(to, how.strip)? else { return Ok(None) };
            let source = root.join(below);
            let inside =
                source.parent().and_then(|p| fs::canonicalize(p).ok()).is_some_and(|p| p.starts_with(root));
            if !inside || fs::symlink_metadata(&source)?.file_type().is_symlink() {
                return Err(io::Error::other(format!("the link to {to:?} would leave the directory")));
            }
            if source != target {
                clear(target)?;
                fs::hard_link(&source, target)?;
            }
        }
        ArchiveKind::Special => {}
    }
    Ok(None)
}

/// Refuses a symbolic link that leads out of the directory.
fn stays(root: &Path, link: &Path, to: &str) -> io::Result<()> {
    let refuse =
        || io::Error::other(format!("the link {} to {to:?} would leave the directory", link.display()));
    let parent = link.parent().and_then(|p| p.strip_prefix(root).ok()).ok_or_else(refuse)?;
    let mut depth = parent.components().count();
    for part in Path::new(to).components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth = depth.checked_sub(1).ok_or_else(refuse)?,
            Component::RootDir | Component::Prefix(_) => return Err(refuse()),
        }
    }
    Ok(())
}

/// Makes room for a file or link.
fn clear(target: &Path) -> io::Result<()> {
    match fs::symlink_metadata(target) {
        Ok(meta) if meta.is_dir() => {
            Err(io::Error::other(format!("the directory {} is in the way", target.display())))
        }
        Ok(_) => fs::remove_file(target),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

fn own(path: &Path, how: &Extraction) -> io::Result<()> {
    if how.uid.is_some() || how.gid.is_some() { lchown(path, how.uid, how.gid) } else { Ok(()) }
}

fn failed(action: &'static str, source: ArchiveSource<'_>, e: &io::Error) -> HostError {
    let place = match source {
        ArchiveSource::File(path) => path.display().to_string(),
        ArchiveSource::Bytes(_) => "from the state tree".to_owned(),
    };
    HostError::new(action, place, Cause::from(e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn extraction(into: &Path, strip: usize) -> Extraction {
        Extraction { into: into.to_owned(), strip, uid: None, gid: None }
    }

    /// A directory with a small tree, packed by the machine's own tar.
    fn packed(flag: &str, name: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("app-1.0");
        fs::create_dir_all(top.join("bin")).unwrap();
        fs::write(top.join("bin/run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(top.join("bin/run"), Permissions::from_mode(0o755)).unwrap();
        symlink("bin/run", top.join("start")).unwrap();
        fs::hard_link(top.join("bin/run"), top.join("second")).unwrap();
        fs::set_permissions(top.join("bin"), Permissions::from_mode(0o500)).unwrap();
        let archive = dir.path().join(name);
        let status = Command::new("tar")
            .arg(flag)
            .arg(&archive)
            .arg("-C")
            .arg(dir.path())
            .arg("app-1.0")
            .status()
            .unwrap();
        assert!(status.success(), "tar {flag} {name}");
        (dir, archive)
    }

    #[test]
    fn every_compression_is_found_out_and_unpacked() {
        for (flag, name) in [
            ("-cf", "a.tar"),
            ("-czf", "a.tgz"),
            ("-cjf", "a.tbz"),
            ("-cJf", "a.txz"),
            ("--zstd -cf", "a.tzst"),
        ] {
            let (dir, archive) = if flag == "--zstd -cf" {
                let (dir, plain) = packed("-cf", "plain.tar");
                let archive = dir.path().join(name);
                let status =
                    Command::new("zstd").args(["-q", "-o"]).arg(&archive).arg(&plain).status().unwrap();
                assert!(status.success());
                (dir, archive)
            } else {
                packed(flag, name)
            };
            let host = LinuxHost::new();
            let source = ArchiveSource::File(&archive);
            let names: Vec<_> =
                host.archive_list(source, ArchiveFormat::Tar).unwrap().into_iter().map(|e| e.path).collect();
            assert!(names.contains(&"app-1.0/bin/run".to_owned()), "{name}: {names:?}");
            let into = dir.path().join("out");
            fs::create_dir(&into).unwrap();
            for _ in 0..2 {
                host.archive_extract(source, ArchiveFormat::Tar, &extraction(&into, 1)).unwrap();
            }
            assert_eq!(fs::read_to_string(into.join("start")).unwrap(), "#!/bin/sh\n");
            assert_eq!(fs::metadata(into.join("second")).unwrap().permissions().mode() & 0o7777, 0o755);
            assert_eq!(fs::metadata(into.join("bin")).unwrap().permissions().mode() & 0o7777, 0o500);
        }
    }

    #[test]
    fn a_zip_is_unpacked_with_modes_and_links() {
        let (dir, _) = packed("-cf", "x.tar");
        let archive = dir.path().join("a.zip");
        let status =
            Command::new("zip").args(["-qry"]).arg(&archive).arg("app-1.0").current_dir(dir.path()).status();
        assert!(status.unwrap().success());
        let bytes = fs::read(&archive).unwrap();
        let into = dir.path().join("out");
        fs::create_dir(&into).unwrap();
        let source = ArchiveSource::Bytes(&bytes);
        LinuxHost::new().archive_extract(source, ArchiveFormat::Zip, &extraction(&into, 0)).unwrap();
        assert_eq!(fs::read_link(into.join("app-1.0/start")).unwrap(), Path::new("bin/run"));
        assert_eq!(fs::metadata(into.join("app-1.0/bin/run")).unwrap().permissions().mode() & 0o777, 0o755);
    }

    /// Builds a tar whose names the tar program would not write.
    fn hostile(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, kind, link) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            header.set_size(if *kind == tar::EntryType::Regular { 1 } else { 0 });
            let name = &mut header.as_gnu_mut().unwrap().name;
            name[..path.len()].copy_from_slice(path.as_bytes());
            if !link.is_empty() {
                header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
            }
            header.set_cksum();
            let body: &[u8] = if *kind == tar::EntryType::Regular { b"x" } else { b"" };
            builder.append(&header, body).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn nothing_climbs_or_links_its_way_out() {
        use tar::EntryType::{Link, Regular, Symlink};
        for entries in [
            vec![("../evil", Regular, "")],
            vec![("a/../../evil", Regular, "")],
            vec![("/tmp/lab-archive-evil", Regular, "")],
            vec![("out", Symlink, "..")],
            vec![("out", Symlink, "/etc")],
            vec![("a/out", Symlink, "../../x")],
            vec![("hard", Link, "../outside")],
            vec![("hard", Link, "/etc/hostname")],
            vec![("there/evil", Regular, "")],
            vec![("hard", Link, "there/secret")],
        ] {
            let dir = tempfile::tempdir().unwrap();
            let (into, outside) = (dir.path().join("in"), dir.path().join("outside"));
            fs::create_dir(&into).unwrap();
            fs::create_dir(&outside).unwrap();
            fs::write(outside.join("secret"), "s").unwrap();
            // A link that was there before must not be written through, either.
            symlink(&outside, into.join("there")).unwrap();
            let bytes = hostile(&entries);
            let source = ArchiveSource::Bytes(&bytes);
            let error = LinuxHost::new().archive_extract(source, ArchiveFormat::Tar, &extraction(&into, 0));
            let error = error.expect_err(&format!("{entries:?}")).to_string();
            assert!(error.contains("lea"), "{entries:?}: {error}");
            assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "{entries:?}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "{entries:?}");
            assert!(!Path::new("/tmp/lab-archive-evil").exists());
        }
    }

    #[test]
    fn what_is_no_archive_is_an_error() {
        let host = LinuxHost::new();
        assert!(host.archive_list(ArchiveSource::Bytes(b"hello, world"), ArchiveFormat::Zip).is_err());
        assert!(host.archive_list(ArchiveSource::Bytes(&[0x1f, 0x8b, 8, 0, 1]), ArchiveFormat::Tar).is_err());
        let missing = host.archive_list(ArchiveSource::File(Path::new("/no/such.tar")), ArchiveFormat::Tar);
        assert!(missing.unwrap_err().is_not_found());
    }
}
