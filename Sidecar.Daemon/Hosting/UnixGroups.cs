using System.Globalization;

namespace Sidecar.Daemon.Hosting;

/// <summary>Finds the id of a group that an operator named.</summary>
internal static class UnixGroups
{
    private const int FirstBuffer = 4096;

    // An entry lists every member of the group, so a directory service can return long ones; 1 MiB holds some 50,000 names.
    private const int LargestBuffer = 1024 * 1024;

    /// <summary>Resolves a group by name or by its number in decimal. A name wins over a number that looks the same.</summary>
    /// <returns>Null when the system knows no such group and it is not a number.</returns>
    /// <exception cref="IOException">The group database could not be asked.</exception>
    public static uint? Find(string nameOrId)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(nameOrId);
        for (var size = FirstBuffer; ; size *= 4)
        {
            var error = NativeMethods.FindGroup(nameOrId, out var entry, new byte[size], size, out var found);
            if (error == 0 && found != 0)
            {
                return entry.Id;
            }

            if (error == NativeMethods.Range && size < LargestBuffer)
            {
                continue;
            }

            // Several libraries report "no such entry" as an errno of their own liking, so a number is tried before giving up.
            if (uint.TryParse(nameOrId, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id != NativeMethods.Unchanged)
            {
                return id;
            }

            return error is 0 or NativeMethods.NoEntry
                ? null
                : throw new IOException($"cannot look up the group '{nameOrId}': the group database answered with errno {error}");
        }
    }
}
