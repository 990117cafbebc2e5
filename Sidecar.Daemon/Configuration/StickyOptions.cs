namespace Sidecar.Daemon.Configuration;

/// <summary>What names a client's session.</summary>
internal enum StickySource
{
    Cookie,

    /// <summary>A header of the request.</summary>
    Header,

    /// <summary>The client's address.</summary>
    ClientAddress,

    /// <summary>What the front end passes as the session's id.</summary>
    Session,
}

/// <summary>By what the exchanges of a route that belong together are known, so that they reach each agent on one connection.</summary>
/// <param name="Source">What names the session.</param>
/// <param name="Name">The cookie's or the header's name, the latter in lower case; empty for other sources.</param>
internal sealed record StickyOptions(StickySource Source, string Name = "")
{
    /// <summary>What may be written, for help and messages.</summary>
    public const string Known = "cookie:NAME, header:NAME, client-address, session";

    /// <summary>The option in the words in which it is written.</summary>
    public override string ToString() => Source switch
    {
        StickySource.Cookie => $"cookie:{Name}",
        StickySource.Header => $"header:{Name}",
        StickySource.ClientAddress => "client-address",
        _ => "session",
    };

    /// <summary>Reads <c>cookie:NAME</c>, <c>header:NAME</c>, <c>client-address</c> or <c>session</c>; null for anything else.</summary>
    public static StickyOptions? Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var (word, name) = colon < 0 ? (text, "") : (text[..colon], text[(colon + 1)..]);
        return word switch
        {
            "cookie" when IsToken(name) => new(StickySource.Cookie, name),
            "header" when IsToken(name) => new(StickySource.Header, name.ToLowerInvariant()),
            "client-address" when colon < 0 => new(StickySource.ClientAddress),
            "session" when colon < 0 => new(StickySource.Session),
            _ => null,
        };
    }

    // A name of another form would never be found, and no session would stick (RFC 9110 §5.6.2).
    private static bool IsToken(string name) =>
        name.Length > 0
            && name.All(static letter => char.IsAsciiLetterOrDigit(letter) || "!#$%&'*+-.^_`|~".Contains(letter, StringComparison.Ordinal));
}
