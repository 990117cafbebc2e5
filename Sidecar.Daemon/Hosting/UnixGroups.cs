namespace Sidecar.Daemon.Hosting;

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
