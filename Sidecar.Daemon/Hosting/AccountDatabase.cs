using System.Globalization;

namespace Sidecar.Daemon.Hosting;

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
