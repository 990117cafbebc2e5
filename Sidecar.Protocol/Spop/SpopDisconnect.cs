using System.Text.Unicode;

namespace Sidecar.Protocol.Spop;

/// <summary>Why an end closes: the payload of a DISCONNECT (proxy integration §1.5).</summary>
/// <param name="Code">The status as sent, of <see cref="SpopStatus"/> or of the peer's own.</param>
/// <param name="Message">The peer's words as printable ASCII, at most 255 characters; empty if there are none.</param>
public readonly record struct SpopDisconnect(uint Code, string Message)
{
    // The header of 11 bytes, two names with their lengths, a varint of 32 bits, and 2 bytes before the message.
    private const int MaxSize = SpopLimits.MaxDisconnectMessage + 64;

    /// <summary>The code as a named status; <see cref="SpopStatus.Unknown"/> if it has no name.</summary>
    public SpopStatus Status => Code <= int.MaxValue && Enum.IsDefined((SpopStatus)Code) ? (SpopStatus)Code : SpopStatus.Unknown;

    /// <summary>Reads the payload of a DISCONNECT. Both items must be there; unknown ones are ignored.</summary>
    /// <param name="payload">The whole payload.</param>
    /// <param name="disconnect">What the peer says.</param>
    /// <param name="error">Why it cannot be understood. The connection ends all the same.</param>
    public static bool TryRead(ReadOnlySpan<byte> payload, out SpopDisconnect disconnect, out SpopError error)
    {
        disconnect = default;
        uint? code = null;
        var message = ReadOnlySpan<byte>.Empty;
        var hasMessage = false;
        var reader = new SpopReader(payload);
        while (!reader.End)
        {
            if (!reader.TryReadString(out var key) || !reader.TryReadValue(out var value))
            {
                return reader.Fails("an item of DISCONNECT", out error);
            }

            if (key.SequenceEqual(SpopKeys.StatusCode))
            {
                if (!value.TryGetInt64(out var number) || number is < 0 or > uint.MaxValue)
                {
                    return SpopError.Fails(
                        $"status-code of DISCONNECT has type {(byte)value.Type} or more than 32 bits; it is a UINT32 (3)", out error);
                }

                code = (uint)number;
            }
            else if (key.SequenceEqual(SpopKeys.Message))
            {
                if (!value.IsBytes)
                {
                    return SpopError.Fails($"message of DISCONNECT has type {(byte)value.Type}; it is a STRING (8)", out error);
                }

                message = value.Bytes;
                hasMessage = true;
            }
        }

        if (code is null || !hasMessage)
        {
            return SpopError.Fails($"DISCONNECT has no {(code is null ? "status-code" : "message")}", out error);
        }

        disconnect = new(code.Value, SpopText.Printable(message, SpopLimits.MaxDisconnectMessage));
        error = default;
        return true;
    }

    /// <summary>Writes an AGENT-DISCONNECT frame, the last of a connection.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="status">Why.</param>
    /// <param name="message">In words; cut to 255 bytes of UTF-8.</param>
    public static void Write(IBufferWriter<byte> output, SpopStatus status, string message)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(message);
        Span<byte> text = stackalloc byte[SpopLimits.MaxDisconnectMessage];
        // Stops before a character that does not fit.
        Utf8.FromUtf16(message, text, out _, out var length);
        var writer = new SpopWriter(output.GetSpan(MaxSize));
        writer.WriteFrameStart(SpopFrameType.AgentDisconnect, 0, 0);
        writer.WriteString(SpopKeys.StatusCode);
        writer.WriteValue(SpopValue.UInt32((uint)status));
        writer.WriteString(SpopKeys.Message);
        writer.WriteValue(SpopValue.String(text[..length]));
        writer.FinishFrame();
        output.Advance(writer.Written);
    }
}
