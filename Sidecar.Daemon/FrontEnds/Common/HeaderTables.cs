using System.Collections.Frozen;
using System.Text;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// The tables of all front ends. What a table hides from agents, the ready configuration of its proxy replaces or takes away towards the
/// upstream.
/// </summary>
internal static class HeaderTables
{
    // Of the question's own connection and message. What the client sent of these comes as a copy or not at all.
    private static readonly string[] OfTheQuestion = ["connection", "content-length", "keep-alive", "transfer-encoding"];

    /// <summary>
    /// nginx's <c>auth_request</c>: what <c>sidecar-check.conf</c> sets; <c>sidecar-protect.conf</c> sets the same names towards the
    /// upstream.
    /// </summary>
    public static HeaderTable Nginx { get; } = new(
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
            (TrustedHeader.ForwardedHost, "x-sidecar-forwarded-host"),
            (TrustedHeader.ForwardedProto, "x-sidecar-forwarded-proto"),
            (TrustedHeader.Session, "x-sidecar-session"),
        ],
        [.. OfTheQuestion, "host", "te", "upgrade", .. Replaced("action", "audit", "bypassed", "cause", "id", "reply", "secret")],
        HeaderRole.Refused);

    /// <summary>Caddy's <c>forward_auth</c>: the five names that the directive itself always sets.</summary>
    public static HeaderTable Caddy { get; } = new(
        ForwardAuth,
        [.. OfTheQuestion, "host", .. Replaced("bypassed", "id", "secret")],
        HeaderRole.Refused);

    /// <summary>Caddy with the ready configuration, which also tells how long a body is.</summary>
    public static HeaderTable CaddyAnnounced { get; } =
        new([.. ForwardAuth, (TrustedHeader.ContentLength, "x-sidecar-content-length")], Caddy.Consumed, HeaderRole.Refused);

    /// <summary>
    /// Traefik's <c>ForwardAuth</c>. Unless <c>trustForwardHeader</c> is set it keeps a client's <c>X-Real-Ip</c> and
    /// <c>X-Forwarded-Prefix</c> from us, and where they come they go on.
    /// </summary>
    public static HeaderTable Traefik { get; } = new(
        ForwardAuth,
        [
            .. OfTheQuestion, "host", "te", "upgrade", "x-forwarded-port", "x-forwarded-server",
            .. Replaced("action", "audit", "bypassed", "id", "secret", "status"),
        ],
        HeaderRole.Refused);

    /// <summary>Traefik with the ready configuration, which also tells what a request is upgraded to.</summary>
    public static HeaderTable TraefikUpgrades { get; } =
        new([.. ForwardAuth, (TrustedHeader.Upgrade, "x-sidecar-upgrade")], Traefik.Consumed, HeaderRole.Refused);

    /// <summary>Envoy's ext_authz over HTTP: the answer names what Envoy is to take away.</summary>
    public static HeaderTable EnvoyHttp { get; } = new(
        [
            (TrustedHeader.Authority, "host"),
            (TrustedHeader.ClientAddress, "x-sidecar-client-address"),
            (TrustedHeader.ClientPort, "x-sidecar-client-port"),
            (TrustedHeader.RequestId, "x-request-id"),
            (TrustedHeader.Protocol, "x-sidecar-protocol"),
            (TrustedHeader.TlsVersion, "x-sidecar-tls-version"),
            (TrustedHeader.TlsCipher, "x-sidecar-tls-cipher"),
            (TrustedHeader.PartialBody, PartialBody.Name),
        ],
        [.. OfTheQuestion, "x-envoy-internal", "x-envoy-expected-rq-timeout-ms"],
        HeaderRole.Removed);

    /// <summary>Envoy over gRPC: every answer that lets pass names what Envoy is to take away.</summary>
    public static HeaderTable Envoy { get; } = new([], [], HeaderRole.Removed);

    /// <summary>
    /// HAProxy: its configuration takes away what is hidden here, behind the question. What frames a body or asks for another protocol
    /// agents have to see.
    /// </summary>
    public static HeaderTable Haproxy { get; } =
        new([], [.. HeaderNames.OfTheConnection.Except(["transfer-encoding", "upgrade"])], HeaderRole.Removed);

    private static (TrustedHeader Header, string Name)[] ForwardAuth =>
    [
        (TrustedHeader.Method, "x-forwarded-method"),
        (TrustedHeader.Target, "x-forwarded-uri"),
        (TrustedHeader.Authority, "x-forwarded-host"),
        (TrustedHeader.Scheme, "x-forwarded-proto"),
        (TrustedHeader.ClientAddress, "x-forwarded-for"),
    ];

    private static IEnumerable<string> Replaced(params string[] own) => own.Select(static name => HeaderNames.OwnPrefix + name);
}

/// <summary>Envoy's word on whether the body that an ext_authz filter hands over goes on beyond what came.</summary>
/// <remarks>Envoy keeps a client's own from us and passes it on to the upstream, so every answer that lets pass takes it away.</remarks>
internal static class PartialBody
{
    /// <summary>The header's name.</summary>
    public const string Name = "x-envoy-auth-partial-body";

    /// <summary>What it says of a body that goes on.</summary>
    public const string GoesOn = "true";
}

/// <summary>What becomes of a header that a front end is told.</summary>
internal enum HeaderRole
{
    /// <summary>The client's own: agents are shown it, and it goes on to the upstream.</summary>
    Shown,

    /// <summary>The proxy's word about the request; see <see cref="TrustedHeader"/>. Agents are not shown it under this name.</summary>
    Believed,

    /// <summary>Neither believed nor shown. The proxy has its own word for it towards the upstream, or none.</summary>
    Consumed,

    /// <summary>A name of the sidecar's own that the client sent: not shown, and taken away before the request goes on.</summary>
    Removed,

    /// <summary>Not shown, and the proxy would pass it on: the request must not pass (rule 16).</summary>
    Refused,
}

/// <summary>Decides by its name what becomes of each header that one kind of proxy tells (rules 9, 16). Immutable.</summary>
internal sealed class HeaderTable
{
    // Longer than every name in a table.
    private const int LongestName = 32;

    private readonly FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _roles;
    private readonly string?[] _names = new string?[TrustedValues.Count];
    private readonly HeaderRole _own;

    /// <summary>The names of one kind of proxy.</summary>
    /// <param name="believed">
    /// What the proxy tells, by lower-case name. Another spelling of such a name is refused, unless it is one of <paramref name="own"/>.
    /// </param>
    /// <param name="consumed">Lower-case names that the proxy replaces or leaves out towards the upstream.</param>
    /// <param name="own">
    /// What becomes of the other names of the sidecar's own: <see cref="HeaderRole.Removed"/> or <see cref="HeaderRole.Refused"/>.
    /// </param>
    public HeaderTable(IReadOnlyList<(TrustedHeader Header, string Name)> believed, IReadOnlyList<string> consumed, HeaderRole own)
    {
        _own = own;
        foreach (var (header, name) in believed)
        {
            _names[(int)header] = name;
        }

        Consumed = consumed;
        _roles = believed.Select(static entry => KeyValuePair.Create(entry.Name, (int)entry.Header))
            .Concat(consumed.Select(static name => KeyValuePair.Create(name, -1)))
            .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase)
            .GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The names that are neither believed nor shown.</summary>
    public IReadOnlyList<string> Consumed { get; }

    /// <summary>The name of a believed header, lower-case; null when this proxy does not tell it.</summary>
    public string? NameOf(TrustedHeader header) => _names[(int)header];

    /// <summary>What becomes of a header.</summary>
    /// <param name="name">The name in any case.</param>
    /// <param name="header">What it tells, if it is believed.</param>
    public HeaderRole Classify(ReadOnlySpan<char> name, out TrustedHeader header)
    {
        header = default;
        if (name.Length <= LongestName)
        {
            if (_roles.TryGetValue(name, out var role))
            {
                header = (TrustedHeader)Math.Max(role, 0);
                return role < 0 ? HeaderRole.Consumed : HeaderRole.Believed;
            }

            // An upstream may take the one for the other.
            Span<char> dashed = stackalloc char[LongestName];
            if (name.Contains('_') && IsBelieved(name, dashed))
            {
                return HeaderNames.IsOwn(name) ? _own : HeaderRole.Refused;
            }
        }

        return HeaderNames.IsOwn(name) ? _own : HeaderRole.Shown;
    }

    private bool IsBelieved(ReadOnlySpan<char> name, Span<char> dashed)
    {
        name.Replace(dashed, '_', '-');
        return _roles.TryGetValue(dashed[..name.Length], out var role) && role >= 0;
    }

    /// <inheritdoc cref="Classify(ReadOnlySpan{char}, out TrustedHeader)"/>
    public HeaderRole Classify(ReadOnlySpan<byte> name)
    {
        // Names in a table are ASCII, and no other byte becomes a letter of it.
        Span<char> chars = stackalloc char[LongestName];
        return name.Length <= LongestName
            ? Classify(chars[..Encoding.Latin1.GetChars(name, chars)], out _)
            : HeaderNames.IsOwn(name) ? _own : HeaderRole.Shown;
    }
}
