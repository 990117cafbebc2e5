using System.Text.Json;
using Sidecar.Protocol.Encodings;

namespace Sidecar.Daemon.Connections.Framed;

/// <summary>Recognises agents of dialects that are not spoken by what they make of our handshake (spec §11), and says what an operator can do.</summary>
internal static class OtherDialects
{
    /// <summary>What can be done about an agent of any of them.</summary>
    private const string Remedy = "which is not spoken yet: use a build of the agent on the protocol's own crate, the Rust SDK or ours";

    /// <summary>An answer that is none in the native dialect, if it is one in another; null when it is just broken.</summary>
    public static ProtocolException? Of(ReadOnlyMemory<byte> answer) => IsRequestId(answer.Span)
        ? DialProblemException.Error(DialProblem.OtherDialect, $"it answers in the request-id dialect (version 2 of the Go and Kotlin SDKs), {Remedy}")
        : null;

    /// <summary>The agent closed the connection without a word behind our handshake.</summary>
    public static ProtocolException Silent() => DialProblemException.Error(
        DialProblem.ClosedSilently,
        $"it closed the connection without a word: it crashed, or it speaks the envelope dialect (Python, TypeScript, Elixir and Haskell SDKs, the base runners of Go and Kotlin), {Remedy}");

    // Its answer has no "success"; Go's has "accepted", and all name the agent.
    private static bool IsRequestId(ReadOnlySpan<byte> answer)
    {
        try
        {
            var reader = new Utf8JsonReader(answer);
            var isNamed = false;
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1)
                {
                    continue;
                }

                if (reader.ValueTextEquals("success"u8))
                {
                    return false;
                }

                isNamed |= reader.ValueTextEquals("accepted"u8) || reader.ValueTextEquals("agent_name"u8);
            }

            return isNamed;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
