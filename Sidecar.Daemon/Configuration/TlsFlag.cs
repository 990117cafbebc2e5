namespace Sidecar.Daemon.Configuration;

/// <summary>Reads the keys of <c>--agent</c> for TLS.</summary>
internal static class TlsFlag
{
    /// <summary>The keys.</summary>
    public static readonly string[] Keys = ["ca", "cert", "key", "server-name"];

    private static readonly string[] Files = ["ca", "cert", "key"];

    /// <summary>What the keys say; null when none is there. Errors are added to the spec.</summary>
    /// <param name="spec">The flag.</param>
    /// <param name="endpoints">Where the agent is.</param>
    public static TlsOptions? Read(FlagText spec, IReadOnlyList<AgentEndpoint> endpoints)
    {
        var given = Keys.Where(key => spec.Text(key) is not null).ToList();
        if (given.Count == 0)
        {
            return null;
        }

        // Otherwise somebody believes that a connection is encrypted which is not.
        if (!endpoints.All(static endpoint => endpoint is AgentEndpoint.Grpc { IsEncrypted: true }))
        {
            spec.Error($"{string.Join(", ", given.Select(static key => key + "="))} is for TLS, but not every endpoint begins with https://");
        }

        if (spec.Text("key") is not null && spec.Text("cert") is null)
        {
            spec.Error("key= is the key of cert=, which is missing");
        }

        foreach (var path in Files.Select(spec.Text).OfType<string>().Where(static path => !File.Exists(path)))
        {
            spec.Error($"there is no file {path}");
        }

        return new TlsOptions { Authorities = spec.Text("ca"), Certificate = spec.Text("cert"), Key = spec.Text("key"), ServerName = spec.Text("server-name") };
    }
}
