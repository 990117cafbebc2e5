using Sidecar.Daemon.Inspection.Bodies;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>A question as it came, with the memory that its text and body take. Disposed of when it has been answered.</summary>
/// <param name="text">The JSON.</param>
/// <param name="body">In the binary form the body that follows it; null where the JSON holds it.</param>
/// <param name="arrived">When it began to arrive, a timestamp.</param>
internal sealed class ReceivedQuestion(HeldBytes text, HeldBytes? body, long arrived) : IDisposable
{
    private bool _isMoved;

    /// <summary>The JSON.</summary>
    public ReadOnlyMemory<byte> Text => text.Memory;

    /// <summary>In the binary form the body that follows it.</summary>
    public ReadOnlyMemory<byte>? Body => body?.Memory;

    /// <summary>Bytes of the body that follows it; 0 for none.</summary>
    public int BodyLength => body?.Length ?? 0;

    /// <summary>When it began to arrive, a timestamp.</summary>
    public long Arrived => arrived;

    /// <summary>Reads it. Once, for bodies are decoded in place.</summary>
    /// <exception cref="QuestionException">It cannot be understood.</exception>
    public Question Read(JsonListenerOptions options) => QuestionReader.Read(text.Memory, body?.Memory, options);

    /// <summary>Hands the memory on; this one must not be read any more.</summary>
    public ReceivedQuestion Move()
    {
        _isMoved = true;
        return new ReceivedQuestion(text, body, arrived);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_isMoved)
        {
            text.Dispose();
            body?.Dispose();
        }
    }
}
