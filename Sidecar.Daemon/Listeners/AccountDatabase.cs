using System.Globalization;

namespace Sidecar.Daemon.Listeners;

/// <summary>Asks the system's databases of users and groups, whose two lookups differ only in the record they fill.</summary>
internal static class AccountDatabase
{
    private const int FirstBuffer = 4096;

    // An entry lists every member of a group, so a directory service can return long ones; 1 MiB holds some 50,000 names.
    private const int LargestBuffer = 1024 * 1024;

    /// <summary>One lookup by name; returns its errno.</summary>
    internal delegate int Lookup(string name, byte[] buffer, out uint id, out bool found);

    /// <summary>The id of a name, or the number that was given instead of one; null when there is no such entry.</summary>
    /// <exception cref="IOException">The database could not be asked.</exception>
    public static uint? Find(string kind, string nameOrId, Lookup lookup)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(nameOrId);
        for (var size = FirstBuffer; ; size *= 4)
        {
            var error = lookup(nameOrId, new byte[size], out var id, out var found);
            if (error == 0 && found)
            {
                return id;
            }

            if (error == NativeMethods.Range && size < LargestBuffer)
            {
                continue;
            }

            // Several libraries report "no such entry" as an errno of their own liking, so a number is tried before giving up.
            if (uint.TryParse(nameOrId, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number != NativeMethods.Unchanged)
            {
                return number;
            }

            return error is 0 or NativeMethods.NoEntry
                ? null
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
    public static uint? Find(string nameOrId) => AccountDatabase.Find("group", nameOrId, static (string name, byte[] buffer, out uint id, out bool found) =>
    {
        var error = NativeMethods.FindGroup(name, out var entry, buffer, buffer.Length, out var pointer);
        (id, found) = (entry.Id, pointer != 0);
        return error;
    });
}

/// <summary>Finds the id of a user that an operator named.</summary>
internal static class UnixUsers
{
    /// <summary>The user that this process acts as.</summary>
    public static uint Own => NativeMethods.EffectiveUser();

    /// <summary>Resolves a user by name or by its number in decimal. A name wins over a number that looks the same.</summary>
    /// <returns>Null when the system knows no such user and it is not a number.</returns>
    /// <exception cref="IOException">The user database could not be asked.</exception>
    public static uint? Find(string nameOrId) => AccountDatabase.Find("user", nameOrId, static (string name, byte[] buffer, out uint id, out bool found) =>
    {
        var error = NativeMethods.FindUser(name, out var entry, buffer, buffer.Length, out var pointer);
        (id, found) = (entry.Id, pointer != 0);
        return error;
    });
}
