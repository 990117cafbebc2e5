using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>Short ways to write the events of an exchange.</summary>
internal static class Events
{
    public static RequestHeadersEvent Request(string id, string uri = "/", string host = "example.org", string method = "GET")
    {
        var headers = new HeaderBlock();
        headers.Add("host", host);
        return new RequestHeadersEvent
        {
            CorrelationId = CorrelationId.Parse(id),
            Metadata = new RequestMetadata(),
            Method = method,
            Uri = uri,
            Headers = headers,
        };
    }

    public static RequestBodyChunkEvent RequestBody(string id, string data, bool last = false, uint index = 0) =>
        new() { CorrelationId = CorrelationId.Parse(id), Data = Encoding.UTF8.GetBytes(data), IsLast = last, ChunkIndex = index };

    public static ResponseHeadersEvent Response(string id, ushort status = 200) =>
        new() { CorrelationId = CorrelationId.Parse(id), Status = status, Headers = new HeaderBlock() };

    public static ResponseBodyChunkEvent ResponseBody(string id, string data, bool last = false, uint index = 0) =>
        new() { CorrelationId = CorrelationId.Parse(id), Data = Encoding.UTF8.GetBytes(data), IsLast = last, ChunkIndex = index };

    public static WebSocketFrameEvent Frame(string id, string data, bool fromClient = true, ulong index = 0) => new()
    {
        CorrelationId = CorrelationId.Parse(id),
        Opcode = WebSocketOpcode.Text,
        Data = Encoding.UTF8.GetBytes(data),
        ClientToServer = fromClient,
        FrameIndex = index,
        Fin = true,
    };

    public static GuardrailInspectEvent Guardrail(string id, string content, GuardrailInspectionType type = GuardrailInspectionType.PromptInjection) =>
        new() { CorrelationId = CorrelationId.Parse(id), Content = content, InspectionType = type };

    public static RequestCompleteEvent Complete(string id, ushort status = 200) => new() { CorrelationId = CorrelationId.Parse(id), Status = status };

    /// <summary>The bytes of a body, frame or mutation as text.</summary>
    public static string Text(ReadOnlyMemory<byte> data) => Encoding.UTF8.GetString(data.Span);
}
