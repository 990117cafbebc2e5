namespace Sidecar.Daemon.Configuration;

/// <summary>Reads what <c>--listen reverse=PATH</c> says about who may dial in.</summary>
internal static class ReverseFlag
{
    /// <summary>The keys, besides those of every socket file.</summary>
    public static readonly string[] Keys = ["agents", "token-file", "uid", "gid", "max-per-agent"];

    /// <summary>The options, with errors where a value cannot be read.</summary>
    public static ReverseOptions Parse(FlagText spec) => new()
    {
        Agents = spec.List("agents"),
        TokenFile = spec.Text("token-file"),
        Users = spec.List("uid"),
        Groups = spec.List("gid"),
        MaxPerAgent = spec.Number("max-per-agent", 1, ReverseValidator.MaxConnections),
    };
}
