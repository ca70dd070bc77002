//! What the code does that a pickle carries.

use modelward_formats::pickle::{Call, Program};

use super::{
    super::{functions, shown},
    Judge, Kinds, arguments,
};
use crate::compiled::Account;

impl Judge<'_> {
    /// Tell what the code does that a call carries.
    pub(super) fn code(&mut self, program: &Program<'_>, at: u64, call: Call, marshalled: bool) {
        let Some(arguments) = arguments(program, call.arguments) else { return };
        let kind = Kinds::CodeObject;
        // One constant may be handed to a million calls, and means the same each time.
        let key = functions::stream(program, &arguments).filter(|_| marshalled);
        if key.is_some_and(|key| !self.read.insert(key)) {
            return;
        }
        if self.read_code > MOST_CODE {
            let message = "carries more code than is read";
            self.note(kind, at, message.into(), message.into(), true);
            return;
        }
        let Some(read) = functions::carried(program, &arguments, marshalled) else { return };
        let length = key.map_or(0, |(_, length)| length);
        let account = match read {
            Ok(codes) => Account::of(&codes),
            Err(why) => {
                self.read_code = self.read_code.saturating_add(length).saturating_add(1024);
                let line = shown::call(program, call.callee, call.arguments);
                let message = format!("carries code that could not be read: {why}");
                self.note(kind, at, line, message, true);
                return;
            }
        };
        let length = length.max(account.length);
        self.read_code = self.read_code.saturating_add(length).saturating_add(1024);
        let what = account.danger.as_deref().unwrap_or("runs when the loaded object is used");
        let message = format!("the code of `{}` {what}", account.name);
        self.note(kind, at, account.shown, message, true);
        let noted = self.effects.last_mut();
        if let Some(effect) = noted.filter(|effect| (effect.at, effect.kind) == (at, kind)) {
            effect.dangerous = account.danger.is_some();
        }
    }
}

/// How many bytes of code are read of one pickle: far more than any honest one has.
const MOST_CODE: u64 = 4 << 20;
