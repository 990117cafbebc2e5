using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Listeners;

/// <summary>
/// The few libc functions that the base library lacks: the owner of a socket file, and the databases of users and groups.
/// </summary>
/// <remarks>Plain <c>DllImport</c>: the source generator would need unsafe blocks, which this solution does not allow.</remarks>
internal static class NativeMethods
{
    /// <summary>Not an owner: <c>chown</c> leaves this half as it is.</summary>
    internal const uint Unchanged = uint.MaxValue;

    /// <summary>errno: no such file or directory.</summary>
    internal const int NoEntry = 2;

    /// <summary>errno: the buffer given is too small.</summary>
    internal const int Range = 34;

    [DllImport("libc", EntryPoint = "lchown", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static extern int ChangeOwner([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint owner, uint group);

    [DllImport("libc", EntryPoint = "getgrnam_r")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static extern int FindGroup(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string name, out AccountEntry entry, byte[] buffer, nint length, out nint found);

    [DllImport("libc", EntryPoint = "getpwnam_r")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static extern int FindUser(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string name, out AccountEntry entry, byte[] buffer, nint length, out nint found);

    /// <summary>
    /// <c>struct passwd</c>, and <c>struct group</c>, which begins the same and is shorter. The pointers lead into the caller's buffer.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct AccountEntry
    {
        public nint Name;
        public nint Password;
        public uint Id;
        public uint Group;
        public nint Comment;
        public nint Home;
        public nint Shell;
    }
}
