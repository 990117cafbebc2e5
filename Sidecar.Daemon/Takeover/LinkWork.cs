using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.Takeover;

/// <summary>The other's questions that are being answered here. Bounded in number and bytes; every one is awaited at the end.</summary>
/// <param name="options">Bounds.</param>
/// <param name="send">Sends a frame; false when the link takes none any more.</param>
/// <param name="logger">Hears of defects.</param>
internal sealed class LinkWork(LinkOptions options, Func<ReadOnlyMemory<byte>, ValueTask<bool>> send, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, CancellationTokenSource> _open = [];
    private long _bytes;
    private TaskCompletionSource? _idle;

    /// <summary>Begins to answer a question; one beyond the bounds is told that there is no answer.</summary>
    public void Begin(ulong call, in ReadOnlySequence<byte> payload, IRelayedFrontEnd? frontEnd)
    {
        var gone = new CancellationTokenSource();
        bool isTaken;
        lock (_gate)
        {
            isTaken = frontEnd is not null && payload.Length >= sizeof(uint) && _open.Count < options.MaxCalls
                && (_bytes == 0 || _bytes + payload.Length <= options.MaxBytes) && _open.TryAdd(call, gone);
            _bytes += isTaken ? payload.Length : 0;
        }

        if (isTaken)
        {
            _ = AnswerAsync(call, payload.ToArray(), frontEnd!, gone);
        }
        else
        {
            gone.Dispose();
            _ = send(LinkFrame.Of(LinkFrameKind.NoAnswer, call)).AsTask();
        }
    }

    /// <summary>Nobody waits for an answer any more.</summary>
    public void Cancel(ulong call)
    {
        lock (_gate)
        {
            if (_open.TryGetValue(call, out var gone))
            {
                _ = gone.CancelAsync();
            }
        }
    }

    /// <summary>The link has ended: nobody waits for anything, and all questions under way end.</summary>
    public async Task EndAsync()
    {
        Task idle;
        lock (_gate)
        {
            foreach (var gone in _open.Values)
            {
                _ = gone.CancelAsync();
            }

            idle = _open.Count == 0
                ? Task.CompletedTask
                : (_idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        await idle;
    }

    private async Task AnswerAsync(ulong call, byte[] payload, IRelayedFrontEnd frontEnd, CancellationTokenSource gone)
    {
        await Task.Yield();
        byte[]? answer = null;
        try
        {
            var budget = TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32BigEndian(payload));
            answer = await frontEnd.AnswerAsync(payload.AsMemory(sizeof(uint)), budget, gone.Token);
        }
        catch (Exception e)
        {
            Log.Failed(logger, e, options.Kind);
        }
        finally
        {
            var isSendable = answer is not null && answer.Length <= LinkFrame.MaxLength - LinkFrame.HeaderSize;
            await send(isSendable ? LinkFrame.Of(LinkFrameKind.Answer, call, answer) : LinkFrame.Of(LinkFrameKind.NoAnswer, call));
            TaskCompletionSource? idle;
            lock (_gate)
            {
                _open.Remove(call);
                _bytes -= payload.Length;
                idle = _open.Count == 0 ? _idle : null;
            }

            gone.Dispose();
            idle?.TrySetResult();
        }
    }
}
