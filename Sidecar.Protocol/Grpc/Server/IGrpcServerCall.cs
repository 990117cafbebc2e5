using Google.Protobuf;

namespace Sidecar.Protocol.Grpc.Server;

/// <summary>
/// The answering side of a call, as far as those need it who answer from many places. Implemented by <see cref="GrpcServerCall"/>.
/// </summary>
public interface IGrpcServerCall
{
    /// <summary>Sends a message, and waits while the caller takes none. One at a time.</summary>
    /// <param name="message">Must not change meanwhile; it is encoded when the returned task ends.</param>
    /// <param name="cancellation">Ends the wait. The message may be sent all the same.</param>
    /// <returns>False when the call is over, so that the message reaches nobody.</returns>
    /// <exception cref="GrpcException">It is longer than <see cref="GrpcServerOptions.MaxSendLength"/>; nothing of it was sent.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> fired, or the call was reset meanwhile.</exception>
    ValueTask<bool> WriteAsync(IMessage message, CancellationToken cancellation);

    /// <summary>
    /// Nothing more is read: the read under way ends as gone, so does every later one. From any thread while the call's handler runs.
    /// </summary>
    void EndReads();

    /// <summary>Resets the call: nothing more is sent, not even a status.</summary>
    void Abort();
}
