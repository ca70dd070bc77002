//! Checks of archives and compressed streams.

use crate::Entry;

mod archive_bomb;
mod duplicate_member;
mod leading_bytes;
mod member_link_escape;
mod member_name_collision;
mod member_path_escape;
mod member_special_file;
mod path;
#[cfg(test)]
pub(crate) mod sample;
mod several_archives;
mod trailing_bytes;
mod zip_checksum_lie;
mod zip_flag_lie;
mod zip_headers_disagree;
mod zip_hidden_member;

pub(crate) const CHECKS: &[Entry] = &[
    Entry::of::<trailing_bytes::TrailingBytes>(),
    Entry::of::<leading_bytes::LeadingBytes>(),
    Entry::of::<zip_headers_disagree::ZipHeadersDisagree>(),
    Entry::of::<duplicate_member::DuplicateMember>(),
    Entry::of::<zip_checksum_lie::ZipChecksumLie>(),
    Entry::of::<zip_flag_lie::ZipFlagLie>(),
    Entry::of::<zip_hidden_member::ZipHiddenMember>(),
    Entry::of::<several_archives::SeveralArchives>(),
    Entry::of::<member_path_escape::MemberPathEscape>(),
    Entry::of::<member_link_escape::MemberLinkEscape>(),
    Entry::of::<member_special_file::MemberSpecialFile>(),
    Entry::of::<archive_bomb::ArchiveBomb>(),
    Entry::of::<member_name_collision::MemberNameCollision>(),
];
