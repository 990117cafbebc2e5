using System.Globalization;
using System.Runtime.InteropServices;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Listeners;

/// <summary>Asks the system's databases of users and groups.</summary>
internal static class AccountDatabase
{
    private const int FirstBuffer = 4096;

    // An entry lists every member of a group, so a directory service can return long ones; 1 MiB holds some 50,000 names.
    private const int LargestBuffer = 1024 * 1024;

    /// <summary>One lookup by name; returns its errno.</summary>
    internal delegate int Lookup(string name, out NativeMethods.AccountEntry entry, byte[] buffer, nint length, out nint found);

    /// <summary>The id of a name, or the number that was given instead of one; null when there is no such entry.</summary>
    /// <exception cref="IOException">The database could not be asked.</exception>
    public static uint? Find(string kind, string nameOrId, Lookup lookup)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(nameOrId);
        for (var size = FirstBuffer; ; size *= 4)
        {
            var error = lookup(nameOrId, out var entry, new byte[size], size, out var found);
            if (error == 0 && found != 0)
            {
                return entry.Id;
            }

            if (error == NativeMethods.Range && size < LargestBuffer)
            {
                continue;
            }

            // Several libraries report "no such entry" as an errno of their own liking, so a number is tried before giving up.
            return uint.TryParse(nameOrId, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number != NativeMethods.Unchanged ? number
                : error is 0 or NativeMethods.NoEntry ? null
                : throw new IOException($"cannot look up the {kind} '{nameOrId}': the {kind} database answered with errno {error}");
        }
    }
}

/// <summary>Finds the id of a group that an operator named.</summary>
internal static class UnixGroups
{
    /// <summary>Resolves a group by name or by its number in decimal. A name wins over a number that looks the same.</summary>
    /// <returns>Null when the system knows no such group and it is not a number.</returns>
    /// <exception cref="IOException">The group database could not be asked.</exception>
    public static uint? Find(string nameOrId) => AccountDatabase.Find("group", nameOrId, NativeMethods.FindGroup);
}

/// <summary>Finds the id of a user that an operator named.</summary>
internal static class UnixUsers
{
    /// <summary>The user that this process acts as.</summary>
    public static uint Own => FileCalls.EffectiveUser();

    /// <summary>Resolves a user by name or by its number in decimal. A name wins over a number that looks the same.</summary>
    /// <returns>Null when the system knows no such user and it is not a number.</returns>
    /// <exception cref="IOException">The user database could not be asked.</exception>
    public static uint? Find(string nameOrId) => AccountDatabase.Find("user", nameOrId, NativeMethods.FindUser);
}

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
