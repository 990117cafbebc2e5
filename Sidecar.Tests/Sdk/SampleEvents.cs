using System.Text.Json;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Sdk;

/// <summary>Events of every kind.</summary>
internal static class SampleEvents
{
    public static readonly CorrelationId A = new(0xA);
    public static readonly CorrelationId B = new(0xB);

    public static RequestHeadersEvent Request(CorrelationId id, string uri = "/") => new()
    {
        CorrelationId = id,
        Metadata = new RequestMetadata { RequestId = "r", ClientIp = "127.0.0.1" },
        Method = "GET",
        Uri = uri,
        Headers = new HeaderBlock(),
    };

    public static RequestBodyChunkEvent Body(CorrelationId id, byte[] data, uint index = 0) =>
        new() { CorrelationId = id, Data = data, ChunkIndex = index, IsLast = true };

    public static AgentEvent[] All(CorrelationId id) =>
    [
        Request(id),
        Body(id, [1, 2, 3]),
        new ResponseHeadersEvent { CorrelationId = id, Status = 200, Headers = new HeaderBlock() },
        new ResponseBodyChunkEvent { CorrelationId = id, Data = new byte[] { 4, 5 }, IsLast = true },
        new RequestCompleteEvent { CorrelationId = id, Status = 200 },
        new WebSocketFrameEvent { CorrelationId = id, Data = new byte[] { 6 }, Opcode = WebSocketOpcode.Text, Fin = true },
        new GuardrailInspectEvent { CorrelationId = id, Content = "text" },
        new ConfigureEvent { CorrelationId = id, Config = JsonElement.Parse("""{"a":1}"""), ConfigVersion = "7" },
    ];
}
