using System.Text.Json;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>Reads what a caller tells about an exchange that is over: <c>{ "tx", "status", "request_bytes", "response_bytes", "duration_ms", "upstream_attempts", "error" }</c>.</summary>
internal static class CompletionReader
{
    private const int MaxErrorLength = 1024;

    /// <summary>Reads the facts; all but <c>tx</c> may be absent.</summary>
    /// <exception cref="QuestionException">They cannot be understood.</exception>
    public static (string Tx, RequestCompleteEvent Facts) Read(ReadOnlySpan<byte> text)
    {
        try
        {
            var json = new QuestionJson(text);
            var facts = new RequestCompleteEvent();
            string? tx = null;
            json.EnterObject();
            while (json.NextProperty(out var name))
            {
                switch (name)
                {
                    case "tx":
                        tx = QuestionReader.TxOf(ref json);
                        break;
                    case "status":
                        facts = facts with { Status = (ushort)(json.Number(0, 999) ?? 0) };
                        break;
                    case "duration_ms":
                        facts = facts with { DurationMs = (ulong)(json.Number(0, long.MaxValue) ?? 0) };
                        break;
                    case "request_bytes":
                        facts = facts with { RequestBodySize = (ulong)(json.Number(0, long.MaxValue) ?? 0) };
                        break;
                    case "response_bytes":
                        facts = facts with { ResponseBodySize = (ulong)(json.Number(0, long.MaxValue) ?? 0) };
                        break;
                    case "upstream_attempts":
                        facts = facts with { UpstreamAttempts = (uint)(json.Number(0, uint.MaxValue) ?? 0) };
                        break;
                    case "error":
                        facts = facts with { Error = json.Text() is { } error ? error[..Math.Min(error.Length, MaxErrorLength)] : null };
                        break;
                    default:
                        json.Skip();
                        break;
                }
            }

            json.Finish();
            return (tx ?? throw new QuestionException(QuestionError.Malformed("$.tx is missing")), facts);
        }
        catch (JsonException e)
        {
            throw new QuestionException(QuestionError.Malformed($"this is no JSON, or nested deeper than {QuestionJson.MaxDepth}: {e.Message}"));
        }
    }
}
