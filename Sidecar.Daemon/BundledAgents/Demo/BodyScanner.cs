using System.Collections.Concurrent;
using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.BundledAgents.Demo;

/// <summary>Finds texts in bodies that come in pieces, also where a piece ends inside a text: the end of each piece is kept for the next.</summary>
internal sealed class BodyScanner
{
    // Exchanges whose bodies never end must not gather: the oldest knowledge is dropped whole, which can only miss a split text.
    private const int MaxOpen = 65_536;

    private readonly (string Text, byte[] Bytes)[] _patterns;
    private readonly ConcurrentDictionary<(CorrelationId Id, MessageType Direction), byte[]> _tails = new();
    private readonly int _tailLength;

    public BodyScanner(IReadOnlyList<string> patterns)
    {
        _patterns = [.. patterns.Select(static text => (text, Encoding.UTF8.GetBytes(text)))];
        _tailLength = _patterns.Length == 0 ? 0 : _patterns.Max(static pattern => pattern.Bytes.Length) - 1;
    }

    /// <summary>The first text found in this piece or across its border; null for none.</summary>
    public string? Find(BodyChunkEvent piece)
    {
        if (_patterns.Length == 0)
        {
            return null;
        }

        var key = (piece.CorrelationId, piece.Type);
        _tails.TryRemove(key, out var tail);
        var bytes = tail is null ? piece.Data.Span : (ReadOnlySpan<byte>)[.. tail, .. piece.Data.Span];
        foreach (var (text, pattern) in _patterns)
        {
            if (bytes.IndexOf(pattern) >= 0)
            {
                return text;
            }
        }

        if (!piece.IsLast && _tailLength > 0)
        {
            if (_tails.Count >= MaxOpen)
            {
                _tails.Clear();
            }

            _tails[key] = bytes[Math.Max(0, bytes.Length - _tailLength)..].ToArray();
        }

        return null;
    }

    /// <summary>The exchange is over.</summary>
    public void Forget(CorrelationId id)
    {
        _tails.TryRemove((id, MessageType.RequestBodyChunk), out _);
        _tails.TryRemove((id, MessageType.ResponseBodyChunk), out _);
    }
}
