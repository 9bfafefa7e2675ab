//! Python has a SQLite of its own beside the library's, and programs read with it the file that they log to. The locks of
//! SQLite are POSIX's, which belong to a process: between two copies of it in one process they do not count, and closing a
//! file lets go of the other's too. Python's, when it closes the file, would take itself for the last one that has it open
//! and delete the write-ahead log under the library's hands; what is logged from then on would be lost with the process.
//!
//! So the library's locks are those of open file descriptions (`F_OFD_SETLK`, Linux 3.15): the same ranges, respected by
//! every SQLite in this process and in others, and lost by nobody else's `close`. They would be shared with the child of a
//! fork; so the package closes its files before one. And a file that somebody has locked is closed only when nobody has,
//! lest Python's SQLite loses its locks.
//!
//! Invariant: set before the library opens its first file.

#[cfg(target_os = "linux")]
pub(crate) use linux::install;

/// Elsewhere: nothing.
#[cfg(not(target_os = "linux"))]
pub(crate) fn install() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::CStr;
    use std::sync::Once;

    use libc::{c_int, c_short, c_void, flock};
    use parking_lot::Mutex;
    use rusqlite::ffi;

    /// Files that wait to be closed, at most.
    const MOST: usize = 64;

    /// Files that are locked by others, to be closed later.
    static PARKED: Mutex<Vec<c_int>> = Mutex::new(Vec::new());

    type Call = unsafe extern "C" fn();
    type Fcntl = unsafe extern "C" fn(c_int, c_int, *mut c_void) -> c_int;
    type Close = unsafe extern "C" fn(c_int) -> c_int;

    /// Makes the library's SQLite lock by open file description, and close with care.
    pub(crate) fn install() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // SAFETY: the VFS "unix" lives as long as the process, and takes system calls by name and as pointers of this
            // type; nothing uses it yet, since no file was opened. What it calls as `int fcntl(int, int, ...)` always has
            // three arguments, which on Linux are passed as those of a function with three.
            unsafe {
                let vfs = ffi::sqlite3_vfs_find(c"unix".as_ptr());
                let Some(set) = vfs.as_ref().and_then(|vfs| vfs.xSetSystemCall) else { return };
                let put = |name: &CStr, call: Call| set(vfs, name.as_ptr(), Some(call));
                put(c"fcntl", std::mem::transmute::<Fcntl, Call>(fcntl));
                put(c"close", std::mem::transmute::<Close, Call>(close));
            }
        });
    }

    /// `fcntl`, whose locks are those of the open file description; where these are not known, the process's.
    unsafe extern "C" fn fcntl(file: c_int, command: c_int, argument: *mut c_void) -> c_int {
        let by_description = match command {
            libc::F_SETLK => libc::F_OFD_SETLK,
            libc::F_SETLKW => libc::F_OFD_SETLKW,
            libc::F_GETLK => libc::F_OFD_GETLK,
            // SAFETY: what SQLite asks for, with its own argument.
            _ => return unsafe { libc::fcntl(file, command, argument) },
        };
        // SAFETY: these commands come with a lock.
        if let Some(lock) = unsafe { argument.cast::<flock>().as_mut() } {
            // It must be zero here; SQLite leaves it as it was.
            lock.l_pid = 0;
        }
        // SAFETY: as above.
        let done = unsafe { libc::fcntl(file, by_description, argument) };
        if done == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL) {
            // SAFETY: as above.
            return unsafe { libc::fcntl(file, command, argument) };
        }
        done
    }

    /// `close`, put off while somebody else has locked the file: it would take the locks away from this process's other
    /// SQLite.
    unsafe extern "C" fn close(file: c_int) -> c_int {
        let mut parked = PARKED.lock();
        parked.retain(|waiting| {
            let locked = locked_by_others(*waiting);
            if !locked {
                really_close(*waiting);
            }
            locked
        });
        if !locked_by_others(file) {
            return really_close(file);
        }
        let mut all = whole_file(libc::F_UNLCK);
        // SAFETY: the file is open, and the lock lives during the call.
        unsafe { libc::fcntl(file, libc::F_OFD_SETLK, &raw mut all) };
        parked.push(file);
        if parked.len() > MOST {
            really_close(parked.remove(0));
        }
        0
    }

    fn really_close(file: c_int) -> c_int {
        // SAFETY: SQLite handed it over to be closed, once.
        unsafe { libc::close(file) }
    }

    fn locked_by_others(file: c_int) -> bool {
        let mut found = whole_file(libc::F_WRLCK);
        // SAFETY: the file is open, and the lock lives during the call.
        let asked = unsafe { libc::fcntl(file, libc::F_OFD_GETLK, &raw mut found) };
        asked == 0 && c_int::from(found.l_type) != libc::F_UNLCK
    }

    fn whole_file(kind: c_int) -> flock {
        flock { l_type: kind as c_short, l_whence: libc::SEEK_SET as c_short, l_start: 0, l_len: 0, l_pid: 0 }
    }
}
