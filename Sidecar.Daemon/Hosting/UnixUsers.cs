namespace Sidecar.Daemon.Hosting;

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
