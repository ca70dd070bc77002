//! The payload: chunks of 64 KiB, each authenticated by itself, at its place, and as the last one
//! or not (age-encryption.org/v1, "Payload"; STREAM of Hoang, Reyhanitabar, Rogaway and Vizár,
//! "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015, section 7).

mod chunk;
mod read;
mod threads;
mod write;

pub(super) use self::write::Sealer;
pub(super) use self::{
    chunk::{CHUNK, Cipher, NONCE, Place, SEALED, TAG},
    read::Opener,
};
