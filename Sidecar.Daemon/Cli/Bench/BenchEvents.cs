using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>The events a benchmark sends: like those of a browser's request.</summary>
internal static class BenchEvents
{
    private static readonly (string Name, string Value)[] Browser =
    [
        ("host", "www.example.org"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("accept", "text/html,application/xhtml+xml"),
        ("accept-encoding", "gzip, deflate, br"),
        ("accept-language", "en-GB,en;q=0.7"),
        ("cookie", "session=1f0a7c8e5b"),
    ];

    // The largest body that agents are shown by default, and no more pieces than a large upload has between two scheduler ticks.
    private const int BodyBytes = 1024 * 1024;
    private const int MostPieces = 64;

    /// <summary>The events of an exchange after its opening, one for each call; a body with a last piece.</summary>
    public static AgentEvent[] Of(BenchOptions options)
    {
        var count = Math.Clamp(BodyBytes / Math.Max(1, options.Size), 1, MostPieces);
        return One(options) is not BodyChunkEvent first ? [One(options)] :
        [
            .. Enumerable.Range(0, count).Select(i => first with
            {
                ChunkIndex = (uint)i, BytesTransferred = (ulong)((i + 1L) * first.Data.Length), IsLast = i == count - 1,
            }),
        ];
    }

    /// <summary>The first of these events.</summary>
    public static AgentEvent One(BenchOptions options) => options.Event switch
    {
        EventKind.RequestHeaders => RequestHeaders(options.Headers),
        EventKind.ResponseHeaders => new ResponseHeadersEvent { Status = 200, Headers = Headers(options.Headers) },
        EventKind.RequestBodyChunk => new RequestBodyChunkEvent { Data = Body(options.Size) },
        EventKind.ResponseBodyChunk => new ResponseBodyChunkEvent { Data = Body(options.Size) },
        EventKind.WebSocketFrame =>
            new WebSocketFrameEvent
            {
                Opcode = WebSocketOpcode.Binary,
                Data = Body(options.Size),
                ClientToServer = true,
                Fin = true,
                ClientIp = "192.0.2.7",
            },
        _ => new GuardrailInspectEvent { Content = new string('x', options.Size) },
    };

    /// <summary>What must come before that event in its exchange; null when it opens one itself.</summary>
    public static AgentEvent? OpeningOf(BenchOptions options) =>
        options.Event is EventKind.RequestHeaders ? null : RequestHeaders(options.Headers);

    /// <summary>The request itself.</summary>
    public static RequestHeadersEvent RequestHeaders(int count) => new()
    {
        Method = "GET",
        Uri = "/index.html?page=1",
        Headers = Headers(count),
        Metadata = new RequestMetadata
        {
            RequestId = "bench",
            ClientIp = "192.0.2.7",
            ClientPort = 41234,
            ServerName = "www.example.org",
            Timestamp = "2026-01-02T03:04:05Z",
        },
    };

    private static HeaderBlock Headers(int count)
    {
        var block = new HeaderBlock();
        for (var i = 0; i < count; i++)
        {
            var (name, value) = i < Browser.Length ? Browser[i] : ($"x-header-{i}", $"the value of header number {i}");
            block.Add(name, value);
        }

        return block;
    }

    private static byte[] Body(int size) => Encoding.ASCII.GetBytes(new string('x', size));
}
