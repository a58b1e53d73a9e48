"""The process runtime: the command as a plain child process, without privileges, on Linux and macOS."""
