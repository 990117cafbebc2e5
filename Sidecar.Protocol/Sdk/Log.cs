using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>What the SDK logs. Ids 100–199 are its own.</summary>
internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Information, "listening on {Path}")]
    public static partial void Listening(ILogger logger, string path);

    [LoggerMessage(101, LogLevel.Debug, "connection {Connection} from {ProxyId} {ProxyVersion}, encoding {Encoding}")]
    public static partial void Connected(ILogger logger, string connection, string proxyId, string proxyVersion, string encoding);

    [LoggerMessage(102, LogLevel.Debug, "connection {Connection} ended: {End}")]
    public static partial void Ended(ILogger logger, string connection, FrameConnectionEnd end, Exception? error);

    [LoggerMessage(103, LogLevel.Warning, "handshake refused: {Reason}; {LeftOut} more since the last such line")]
    public static partial void HandshakeRefused(ILogger logger, string reason, long leftOut);

    [LoggerMessage(104, LogLevel.Error, "the handler failed on {Event}; answered with an error decision")]
    public static partial void HandlerFailed(ILogger logger, MessageType @event, Exception error);

    [LoggerMessage(105, LogLevel.Warning,
        "an undecodable {Event} was answered with an error decision: {Reason}; {LeftOut} more since the last such line")]
    public static partial void Undecodable(ILogger logger, MessageType @event, string reason, long leftOut);

    [LoggerMessage(106, LogLevel.Warning, "a callback of the handler on a cancellation or the end of a connection failed")]
    public static partial void CancellationCallbackFailed(ILogger logger, Exception error);

    [LoggerMessage(107, LogLevel.Warning, "an answer could not be encoded; answered with an error decision")]
    public static partial void UnencodableAnswer(ILogger logger, Exception error);

    [LoggerMessage(108, LogLevel.Warning,
        "connection {Connection} has more events outstanding than it may, {Limit} events or {ByteLimit} bytes; it is read no further " +
        "until one is answered; {LeftOut} more since the last such line")]
    public static partial void Paused(ILogger logger, string connection, int limit, long byteLimit, long leftOut);

    [LoggerMessage(109, LogLevel.Warning,
        "{Limit} streams are open, the limit; a new one was refused; {LeftOut} more since the last such line")]
    public static partial void TooManyStreams(ILogger logger, int limit, long leftOut);

    [LoggerMessage(110, LogLevel.Debug, "skipped a frame of unexpected type {Type}")]
    public static partial void Skipped(ILogger logger, MessageType type);

    [LoggerMessage(111, LogLevel.Warning, "connection {Connection} had {Count} events in work when its time to drain was up")]
    public static partial void NotDrained(ILogger logger, string connection, int count);

    [LoggerMessage(112, LogLevel.Warning,
        "connection {Connection}: its configuration was refused and the stream ends, which is how gRPC says so: {Reason}; {LeftOut} " +
        "more since the last such line")]
    public static partial void ConfigurationRefused(ILogger logger, string connection, string reason, long leftOut);

    [LoggerMessage(113, LogLevel.Information,
        "agent {Agent} is registered at {Path} with {ProxyId} {ProxyVersion}; {LeftOut} more since the last such line")]
    public static partial void Registered(ILogger logger, string agent, string path, string proxyId, string proxyVersion, long leftOut);

    [LoggerMessage(114, LogLevel.Warning,
        "the proxy at {Path} refused to register agent {Agent}: {Reason}; trying for ever; {LeftOut} more since the last such line")]
    public static partial void RegistrationRefused(ILogger logger, string agent, string path, string reason, long leftOut);

    [LoggerMessage(115, LogLevel.Warning,
        "agent {Agent} cannot register with the proxy at {Path}: {Reason}; trying for ever; {LeftOut} more since the last such line")]
    public static partial void ProxyUnreachable(ILogger logger, string agent, string path, string reason, long leftOut);

    [LoggerMessage(116, LogLevel.Warning,
        "all {Workers} workers have been busy for {Period} without one becoming free, and {Count} events wait: handlers hang, or there " +
        "are too few workers for what they wait for; {LeftOut} more since the last such line")]
    public static partial void WorkersStuck(ILogger logger, int workers, TimeSpan period, int count, long leftOut);

    [LoggerMessage(130, LogLevel.Warning, "a client was refused in the TLS handshake: {Problem}")]
    public static partial void ClientRefused(ILogger logger, string problem);

    [LoggerMessage(131, LogLevel.Error, "the changed files of TLS are not used, what was read before is: {Reason}")]
    public static partial void CertificatesKept(ILogger logger, string reason);
}
