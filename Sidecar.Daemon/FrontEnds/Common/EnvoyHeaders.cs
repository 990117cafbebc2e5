using System.Globalization;
using System.Text;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// The headers of one message as Envoy sends them (proxy integration §3.5.2): pseudo headers apart, the rest for the agents without those
/// of ours. Immutable.
/// </summary>
internal sealed class EnvoyHeaders
{
    // Longer than most names and values: what fits is read without memory of its own.
    private const int StackLimit = 256;

    private List<string>? _own;
    private string? _path;
    private string? _status;

    private EnvoyHeaders(HeaderBlock headers) => Headers = headers;

    /// <summary>
    /// What agents are shown: bytes as they came where they are UTF-8, else as Latin-1; <c>host</c> from <c>:authority</c> where there is
    /// none.
    /// </summary>
    public HeaderBlock Headers { get; }

    /// <summary>Names of ours that somebody else sent; they are not shown and must not go on.</summary>
    public IReadOnlyList<string> Own => _own ?? (IReadOnlyList<string>)[];

    /// <summary>Fields in all, pseudo headers and those of ours counted.</summary>
    public int Fields { get; private set; }

    /// <summary>What a client can cause and agents cannot judge; null when there is nothing.</summary>
    public string? Problem { get; private set; }

    /// <summary>Size of the body as announced; null when it is not.</summary>
    public long? ContentLength { get; private set; }

    /// <summary>The method; null when missing.</summary>
    public string? Method { get; private set; }

    /// <summary>The host asked for; null when missing.</summary>
    public string? Authority { get; private set; }

    /// <summary>The raw target with its query, a char per byte; of a plain CONNECT, which has no path, the authority.</summary>
    public string? Target => _path ?? (Method == "CONNECT" ? Authority : null);

    /// <summary>The status of a response; null when it has none.</summary>
    public ushort? Status =>
        ushort.TryParse(_status, NumberStyles.None, CultureInfo.InvariantCulture, out var status) && status is >= 100 and <= 999
            ? status : null;

    /// <summary>
    /// Whether the client asks to leave HTTP, as a WebSocket does (Envoy turns an extended CONNECT into this form). One that announces a
    /// body is none: behind an Upgrade header that the upstream ignores, its body would pass unseen.
    /// </summary>
    public bool IsUpgrade =>
        Method == "GET" && Headers.IndexOf("upgrade"u8) >= 0 && ContentLength is null or 0 && Headers.IndexOf("transfer-encoding"u8) < 0;

    /// <summary>Whether the client asks for a tunnel.</summary>
    public bool IsTunnel => Method == "CONNECT";

    /// <summary>
    /// Whether nobody can say that a body of this request will end: it may leave HTTP. Envoy has taken the <c>upgrade</c> header from what
    /// is no upgrade.
    /// </summary>
    public bool MayLeaveHttp => IsTunnel || Headers.IndexOf("upgrade"u8) >= 0;

    /// <summary>Whether the connection leaves HTTP with a response of this status.</summary>
    public bool HasSwitchedBy(int status) => MayLeaveHttp && (status == 101 || (IsTunnel && status is >= 200 and < 300));

    /// <summary>Whether the client speaks gRPC.</summary>
    public bool IsGrpc => GrpcReply.IsFor(Headers);

    /// <summary>Reads the headers of a message.</summary>
    /// <param name="map">As Envoy sends them; null for none.</param>
    /// <param name="options">The limits.</param>
    public static EnvoyHeaders Read(HeaderMap? map, EnvoyFilterOptions options)
    {
        var fields = map?.Headers ?? [];
        var bytes = 0L;
        foreach (var field in fields)
        {
            bytes += field.Key.Length + field.RawValue.Length;
        }

        var block = new HeaderBlock(Math.Min(fields.Count, options.MaxHeaders), (int)Math.Min(bytes, options.MaxHeaderBytes));
        var read = new EnvoyHeaders(block) { Fields = fields.Count };
        bytes = 0;
        var count = 0;
        Span<byte> nameBuffer = stackalloc byte[StackLimit];
        foreach (var field in fields)
        {
            var value = field.RawValue.IsEmpty ? Encoding.UTF8.GetBytes(field.Value) : field.RawValue.Span;
            if (field.Key is [':', ..])
            {
                read.AddPseudo(field.Key, value);
                continue;
            }

            var name = Utf8(field.Key, nameBuffer);
            bytes += name.Length + value.Length;
            count++;
            if (HeaderTables.Envoy.Classify(name) == HeaderRole.Removed)
            {
                (read._own ??= []).Add(field.Key);
            }
            else if (count <= options.MaxHeaders && bytes <= options.MaxHeaderBytes)
            {
                WireText.Add(read.Headers, name, value);
            }
        }

        if (read.Authority is { } authority && read.Headers.IndexOf("host"u8) < 0)
        {
            WireText.Add(read.Headers, "host", authority);
        }

        if (read.Headers.IndexOf("content-length"u8) is >= 0 and var at
            && long.TryParse(read.Headers.Value(at), NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            read.ContentLength = length;
        }

        read.Problem = RequestRules.HeaderProblem(count, bytes, options.MaxHeaders, options.MaxHeaderBytes) ?? read.LineProblem();
        return read;
    }

    /// <summary>How many fields have this name, in lower case.</summary>
    public int Count(string name) => Headers.GetAll(name).Count() + Own.Count(own => own.Equals(name, StringComparison.OrdinalIgnoreCase));

    // The first of a name counts.
    private void AddPseudo(string name, ReadOnlySpan<byte> value) => _ = name switch
    {
        ":method" => Method ??= Encoding.Latin1.GetString(value),
        ":path" => _path ??= Encoding.Latin1.GetString(value),
        ":authority" => Authority ??= Encoding.Latin1.GetString(value),
        ":status" => _status ??= Encoding.Latin1.GetString(value),
        _ => null,
    };

    private string? LineProblem() =>
        (Method is { } method ? RequestRules.MethodProblem(method) : null) ?? (_path is { } path ? RequestRules.TargetProblem(path) : null);

    private static ReadOnlySpan<byte> Utf8(string text, Span<byte> buffer) =>
        Encoding.UTF8.TryGetBytes(text, buffer, out var length) ? buffer[..length] : Encoding.UTF8.GetBytes(text);
}
