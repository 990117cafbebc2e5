namespace Sidecar.Tests.EndToEnd;

/// <summary>What a test changes in a ready configuration.</summary>
internal sealed record ProxyChanges
{
    /// <summary>Further lines of nginx's http level.</summary>
    public string Http { get; init; } = "";

    /// <summary>Further lines of nginx's protected server.</summary>
    public string Server { get; init; } = "";

    /// <summary>The rest, in each file.</summary>
    public Func<string, string> Change { get; init; } = static text => text;
}
