//! A folder as a tar archive (POSIX.1-2017, `pax`): what is sealed of a folder, and how it is unpacked.
//!
//! The same content gives the same archive: members by name in byte order, mode 0644 or 0755, no
//! owner and no time. Names are relative to the folder, so that `age -d F.age | tar x -C DIR` gives
//! the folder's content. The archive begins with a global header of pax whose comment is
//! [`MARK`]; tar passes over it, and by it the content of a sealed file is known to be a folder.

mod content;
mod contents;
mod listing;
mod name;
mod tar;
mod unpack;
mod walk;
mod write;

pub use self::{
    content::{Content, Kind},
    contents::{Contents, Member},
    listing::{Folder, Links},
    tar::MARK,
    unpack::{Unpacked, list, unpack},
};
