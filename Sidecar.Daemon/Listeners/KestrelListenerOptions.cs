using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Listeners;

/// <summary>
/// Where an HTTP listener listens and what it bears. All limits lie above what a proxy lets through: a refusal by the server would be seen
/// by nobody's ledger.
/// </summary>
internal sealed record KestrelListenerOptions
{
    /// <summary>The listener's name in logs.</summary>
    public string Name { get; init; } = "http";

    /// <summary>Connections at once; further ones wait in the kernel's queue.</summary>
    public int MaxConnections { get; init; } = ListenerSettings.MaxConnections.Default;

    /// <summary>How long a new connection may say nothing.</summary>
    public TimeSpan SilenceTimeout { get; init; } = Defaults.SilenceTimeout;

    /// <summary>The clock of that.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The address: a Unix socket, or loopback TCP for proxies that know nothing else.</summary>
    public required EndPoint EndPoint { get; init; }

    /// <summary>How the socket file is made; of no meaning for TCP.</summary>
    public UnixListenerOptions Socket { get; init; } = new();

    /// <summary>Longest request body in bytes. Default 0: the requests of proxies that only ask carry none.</summary>
    public long MaxRequestBodyBytes { get; init; }

    /// <summary>
    /// Header fields of one request. Default 10,000: nginx passes at most 8,192, the shortest fields that fit its four buffers of 8 KiB.
    /// </summary>
    public int MaxHeaderCount { get; init; } = 10_000;

    /// <summary>Bytes of all headers, and of the request line, of one request. Default 1 MiB: eight times what we inspect.</summary>
    public int MaxHeaderBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// How long an idle connection stays. Default 10 minutes, longer than proxies keep theirs (nginx 60 s): the proxy must be the one who
    /// closes, or it sends a request into a connection that just went.
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>What connections speak. HTTP/2 is spoken without TLS by prior knowledge.</summary>
    public HttpProtocols Protocols { get; init; } = HttpProtocols.Http1;

    /// <summary>
    /// Whether what reads goes on, on the thread that found the socket to have something, until its first wait: for HTTP/1 the application,
    /// which must never block and whose work must be short; for HTTP/2 only the reader of frames.
    /// </summary>
    public bool RunsOnPoller { get; init; }

    /// <summary>
    /// Bytes that are received, or sent, at once. Default 8 KiB, a question with its headers: what is longer goes in pieces.
    /// </summary>
    public int SegmentSize { get; init; } = 8 * 1024;

    /// <summary>Further limits, set last; null for none.</summary>
    public Action<KestrelServerOptions>? Limits { get; init; }
}
