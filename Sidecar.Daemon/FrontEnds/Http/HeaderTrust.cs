using System.Collections.Frozen;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Decides for each header of a question what it is: the proxy's word, the client's own, or neither (rule 9).</summary>
internal static class HeaderTrust
{
    /// <summary>The client's own header: for the agents.</summary>
    public const int Ordinary = -1;

    /// <summary>Neither believed nor forwarded: it belongs to the connection between proxy and daemon, or imitates a trusted name.</summary>
    public const int Dropped = -2;

    private const string OurPrefix = "x-sidecar-";

    // Longer than every name in the table: longer ones can only be ours by their prefix.
    private const int LongestName = 32;

    private static readonly (TrustedHeader Header, string Name)[] Trusted =
    [
        (TrustedHeader.Method, "x-original-method"),
        (TrustedHeader.Target, "x-original-uri"),
        (TrustedHeader.Authority, "x-forwarded-host"),
        (TrustedHeader.Host, "x-sidecar-host"),
        (TrustedHeader.Scheme, "x-forwarded-proto"),
        (TrustedHeader.ClientAddress, "x-forwarded-for"),
        (TrustedHeader.ClientPort, "x-sidecar-client-port"),
        (TrustedHeader.RequestId, "x-request-id"),
        (TrustedHeader.Protocol, "x-sidecar-protocol"),
        (TrustedHeader.TlsVersion, "x-sidecar-tls-version"),
        (TrustedHeader.TlsCipher, "x-sidecar-tls-cipher"),
        (TrustedHeader.ContentLength, "x-sidecar-content-length"),
        (TrustedHeader.TransferEncoding, "x-sidecar-transfer-encoding"),
        (TrustedHeader.Upgrade, "x-sidecar-upgrade"),
        (TrustedHeader.ForwardedFor, "x-sidecar-forwarded-for"),
    ];

    // Of the proxy's own connection to us; what the client sent of these comes as a trusted copy or not at all.
    private static readonly string[] OfTheConnection =
        ["host", "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

    private static readonly FrozenDictionary<string, int> Table = Trusted
        .Select(static entry => KeyValuePair.Create(entry.Name, (int)entry.Header))
        .Concat(OfTheConnection.Select(static name => KeyValuePair.Create(name, Dropped)))
        .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> BySpan =
        Table.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>How many trusted headers there are.</summary>
    public static int Count => Trusted.Length;

    /// <summary>The name of a trusted header, lower-case.</summary>
    public static string NameOf(TrustedHeader header) => Trusted[(int)header].Name;

    /// <summary>What a header is: a <see cref="TrustedHeader"/> as a number, <see cref="Ordinary"/> or <see cref="Dropped"/>.</summary>
    /// <param name="name">The name in any case.</param>
    public static int Classify(string name)
    {
        if (Table.TryGetValue(name, out var role))
        {
            return role;
        }

        Span<char> dashed = stackalloc char[LongestName];
        var start = name.AsSpan(0, Math.Min(name.Length, LongestName));
        start.Replace(dashed, '_', '-');
        dashed = dashed[..start.Length];
        if (dashed.StartsWith(OurPrefix, StringComparison.OrdinalIgnoreCase))
        {
            return Dropped;
        }

        // Another spelling of a trusted name: servers behind the proxy may take one for the other, so nobody gets it.
        return name.Length <= LongestName && BySpan.TryGetValue(dashed, out role) && role >= 0 ? Dropped : Ordinary;
    }
}
