using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>Events of numbered exchanges.</summary>
internal static class TestEvents
{
    /// <summary>The id of exchange <paramref name="number"/>, above 0.</summary>
    public static CorrelationId Id(int number) => new((UInt128)number);

    public static RequestHeadersEvent Headers(int exchange, string uri = "/")
    {
        var headers = new HeaderBlock();
        headers.Add("host", "shop.example.com");
        return new RequestHeadersEvent { CorrelationId = Id(exchange), Metadata = new RequestMetadata(), Method = "GET", Uri = uri, Headers = headers };
    }

    public static RequestBodyChunkEvent Chunk(int exchange, uint index = 0, int size = 3, bool isLast = false) =>
        new() { CorrelationId = Id(exchange), ChunkIndex = index, Data = new byte[size], IsLast = isLast };

    public static RequestCompleteEvent Complete(int exchange) => new() { CorrelationId = Id(exchange), Status = 200 };
}
