using System.Buffers;
using System.Collections.Frozen;
using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Verdicts;

/// <summary>What an agent may write into a message (rule 5; proxy integration §6.3). Stateless; takes any input, never throws.</summary>
/// <remarks>Errors are for the agent's author: they name the header, what was wrong with it and the limit.</remarks>
internal static class HeaderRules
{
    /// <summary>Longest name, in chars. Names in use have less than 64.</summary>
    public const int MaxNameLength = 256;

    /// <summary>Longest value, in bytes of UTF-8: what the header buffers of the proxies in use still take.</summary>
    public const int MaxValueBytes = 8 * 1024;

    /// <summary>Most operations in each list of an answer, and most headers of a block: far above what an agent has use for.</summary>
    public const int MaxOperations = 100;


    // RFC 9110 §5.6.2.
    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly FrozenDictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> Reserved =
        new Dictionary<string, string>(
            HeaderNames.OfTheConnection.Select(static name => KeyValuePair.Create(name, "belongs to one connection")),
            StringComparer.OrdinalIgnoreCase)
        {
            ["http2-settings"] = "belongs to one connection",
            ["content-length"] = "frames the message",
            ["transfer-encoding"] = "frames the message",
            ["trailer"] = "frames the message",
            ["expect"] = "changes how the message is sent",
            ["host"] = "decides where the request goes, which is settled before agents are asked",
        }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Why an agent may not touch a header of this name, or null when it may.</summary>
    /// <param name="name">The name as the agent wrote it. <c>_</c> and <c>-</c> are one: an upstream may not tell them apart.</param>
    public static string? NameError(string name)
    {
        if (name.Length is 0 or > MaxNameLength)
        {
            return $"header name '{Echo(name)}' has {name.Length} characters; 1 to {MaxNameLength} are allowed";
        }

        if (name.AsSpan().IndexOfAnyExcept(TokenChars) is >= 0 and var at)
        {
            return name[0] == ':'
                ? $"header name '{Echo(name)}' is a pseudo header; agents cannot change those"
                : $"header name '{Echo(name)}' has the character U+{(int)name[at]:X4} at {at}; a name is a token (RFC 9110 §5.6.2)";
        }

        Span<char> folded = stackalloc char[name.Length];
        name.AsSpan().Replace(folded, '_', '-');
        if (HeaderNames.IsOwn(name))
        {
            return $"header '{Echo(name)}' is reserved: names that begin with {HeaderNames.OwnPrefix} are the sidecar's own";
        }

        if (folded.StartsWith("proxy-", StringComparison.OrdinalIgnoreCase))
        {
            return $"header '{Echo(name)}' is reserved: names that begin with proxy- are between proxies";
        }

        return Reserved.TryGetValue(folded, out var why) ? $"header '{Echo(name)}' is reserved: it {why}" : null;
    }

    /// <summary>Why a header may not have this value, or null when it may.</summary>
    /// <param name="name">The header, for the message.</param>
    /// <param name="value">The value as the agent wrote it.</param>
    public static string? ValueError(string name, string value) =>
        TextError(value, MaxValueBytes) is { } error ? $"value of '{Echo(name)}' {error}" : null;

    /// <summary>
    /// Why a text cannot stand in a header, or null when it can: no control characters but tab, real characters, not too long.
    /// </summary>
    public static string? TextError(string text, int maxBytes)
    {
        if (text.Length > maxBytes || Encoding.UTF8.GetByteCount(text) > maxBytes)
        {
            return $"has {Encoding.UTF8.GetByteCount(text)} bytes; at most {maxBytes} are allowed";
        }

        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c is < ' ' and not '\t' or '\x7f')
            {
                return $"has the control character U+{(int)c:X4} at {i}";
            }

            if (!char.IsSurrogate(c))
            {
                continue;
            }

            if (!char.IsSurrogatePair(text, i))
            {
                return $"has half a surrogate pair at {i}";
            }

            i++;
        }

        return null;
    }

    /// <summary>Whether a text is a token (RFC 9110 §5.6.2).</summary>
    public static bool IsToken(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExcept(TokenChars);

    /// <summary>
    /// Checks the edits of an answer that lets the event pass, which is applied whole or not at all. A refusal has none to apply, and one
    /// by which the agent says that it could not decide is no answer, whatever else is in it.
    /// </summary>
    /// <param name="response">The answer.</param>
    /// <returns>
    /// The first thing wrong with it, for the agent's author: the answer must count as the agent's failure. Null when it is fit.
    /// </returns>
    public static string? AnswerError(AgentResponse response)
    {
        return response is { Decision: not AllowDecision } or { WebSocketDecision: { Kind: not WebSocketDecisionKind.Allow } }
            || ReasonCodes.IsFailure(response)
            ? null
            : OperationsError("request_headers", response.RequestHeaders) ?? OperationsError("response_headers", response.ResponseHeaders);
    }

    /// <summary>An agent's text for an error message that quotes it.</summary>
    public static string Echo(string text) => PeerText.Inner(text);

    private static string? OperationsError(string list, IReadOnlyList<HeaderOperation> operations)
    {
        if (operations.Count > MaxOperations)
        {
            return $"{list} has {operations.Count} operations; at most {MaxOperations} are allowed";
        }

        for (var i = 0; i < operations.Count; i++)
        {
            var operation = operations[i];
            if ((NameError(operation.Name) ?? ValueError(operation.Name, operation.Value)) is { } error)
            {
                return $"{list}[{i}]: {error}";
            }
        }

        return null;
    }
}
