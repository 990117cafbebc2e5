using Google.Protobuf;
using Grpc.Core;
using Sidecar.Protocol.Grpc;

namespace Sidecar.Tests.Support;

/// <summary>A streaming call by a gRPC client that is not ours. What ends the call is its <see cref="Status"/>, never an exception.</summary>
internal sealed class ForeignCall<TResponse> : IAsyncDisposable
    where TResponse : class, IMessage<TResponse>
{
    private readonly AsyncDuplexStreamingCall<IMessage, TResponse> _call;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly CancellationTokenSource _given = new();
    private Task<bool>? _moving;

    public ForeignCall(CallInvoker invoker, string path, MessageParser<TResponse> parser, Metadata metadata)
    {
        var names = path.Split('/');
        var method = new Method<IMessage, TResponse>(
            MethodType.DuplexStreaming,
            names[1],
            names[2],
            Marshallers.Create<IMessage>(static message => message.ToByteArray(), static _ => throw new NotSupportedException()),
            Marshallers.Create(static message => message.ToByteArray(), parser.ParseFrom));
        _call = invoker.AsyncDuplexStreamingCall(method, null, new CallOptions(metadata, cancellationToken: _given.Token));
    }

    /// <summary>How the call ended; null until its end was read.</summary>
    public GrpcStatus? Status { get; private set; }

    /// <summary>Waits for the server's headers; false when the call ended instead.</summary>
    public async Task<bool> WaitForHeadersAsync(CancellationToken cancellation)
    {
        try
        {
            await _call.ResponseHeadersAsync.WaitAsync(cancellation);
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    /// <summary>Sends a message, one after the other; false when the call is over.</summary>
    public async ValueTask<bool> WriteAsync(IMessage message, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation);
        try
        {
            await _call.RequestStream.WriteAsync(message, CancellationToken.None).WaitAsync(cancellation);
            return true;
        }
        catch (Exception e) when (e is RpcException || (e is InvalidOperationException && Status is not null))
        {
            return false;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Says that no message follows.</summary>
    public Task CompleteAsync() => _call.RequestStream.CompleteAsync();

    /// <summary>Waits for the next message; null when the call has ended. Giving up the wait loses nothing.</summary>
    public async ValueTask<TResponse?> ReadAsync(CancellationToken cancellation)
    {
        try
        {
            _moving ??= _call.ResponseStream.MoveNext(CancellationToken.None);
            if (await _moving.WaitAsync(cancellation))
            {
                _moving = null;
                return _call.ResponseStream.Current;
            }

            Status = GrpcStatus.Ok;
        }
        catch (RpcException e)
        {
            Status = new GrpcStatus((GrpcStatusCode)e.StatusCode, e.Status.Detail);
        }

        return null;
    }

    /// <summary>Gives the call up: the server sees it cancelled, and a read that waits returns.</summary>
    public void Cancel() => _given.Cancel();

    public ValueTask DisposeAsync()
    {
        _call.Dispose();
        _given.Dispose();
        return default;
    }
}
