using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>Lets only those through to a listener's application who know its secret; anybody else gets 403, counted as refused.</summary>
/// <param name="listener">The listener's name.</param>
/// <param name="secret">The secret.</param>
/// <param name="inner">The application.</param>
/// <param name="inspector">Keeps the ledger.</param>
/// <param name="logger">Is told once a minute.</param>
/// <param name="isGrpc">
/// Whether it is calls of gRPC that come: a content type may also be that of a client's request, and the status 200 then an allow.
/// </param>
internal sealed class SecretGuard(
    string listener, ListenerSecret secret, IHttpApplication<IFeatureCollection> inner, Inspector inspector, ILogger<SecretGuard> logger,
    bool isGrpc)
    : FeatureApplication
{
    private readonly LogThrottle _throttle = new(inspector.Time);

    /// <summary>An application behind the secret of its listener; itself where the listener has none.</summary>
    /// <exception cref="IOException">The secret's file cannot be used.</exception>
    public static IHttpApplication<IFeatureCollection> Around(
        IHttpApplication<IFeatureCollection> application, ListenerOptions listener, Inspector inspector, ILoggerFactory loggers,
        bool isGrpc) =>
        listener.SecretFile is { } file
            ? new SecretGuard(listener.Name, ListenerSecret.Load(file), application, inspector, loggers.CreateLogger<SecretGuard>(), isGrpc)
            : application;

    public override Task ProcessRequestAsync(IFeatureCollection context)
    {
        if (secret.IsIn(context.GetRequiredFeature<IHttpRequestFeature>().Headers))
        {
            return inner.ProcessRequestAsync(context);
        }

        // Nothing it says is believed, so it belongs to no route.
        inspector.Account(listener, LedgerState.Refused, Cause.Unauthorized);
        if (_throttle.MayLog(listener, out var more))
        {
            Log.Unauthorized(logger, listener, AnswerHeaders.Secret, secret.File, more);
        }

        if (isGrpc && GrpcHeaderNames.IsGrpc(context.GetRequiredFeature<IHttpRequestFeature>().Headers.ContentType))
        {
            // Its clients have no ears for anything else.
            context.GetRequiredFeature<IHttpResponseFeature>().Headers.ContentType = GrpcHeaderNames.ContentType;
            GrpcResponse.SetStatus(
                context, new GrpcStatus(GrpcStatusCode.Unauthenticated, $"the header {AnswerHeaders.Secret} is missing or wrong"));
            return Task.CompletedTask;
        }

        return HttpAnswers.SendEmptyAsync(context, StatusCodes.Status403Forbidden);
    }
}

/// <summary>
/// What a proxy proves itself with on a TCP listener, where the rights of a socket file cannot tell it from other processes. Immutable.
/// </summary>
internal sealed class ListenerSecret
{
    /// <summary>Fewest characters: 16 random ones cannot be guessed.</summary>
    public const int MinLength = 16;

    /// <summary>Most characters, which every proxy's configuration takes.</summary>
    public const int MaxLength = 1024;

    private readonly byte[] _secret;

    private ListenerSecret(byte[] secret, string file) => (_secret, File) = (secret, file);

    /// <summary>Where it came from.</summary>
    public string File { get; }

    /// <summary>Reads the secret. Line ends and spaces at the end of the file are no part of it.</summary>
    /// <exception cref="IOException">The file cannot be used; the message says why and what to do, and nothing of the content.</exception>
    public static ListenerSecret Load(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            PrivateFile.Check(file.SafeFileHandle, "secret file", path, "others could ask in the proxy's name", "640");
            return new ListenerSecret(Read(file, path), path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new IOException($"there is no secret file {path}; make it: (umask 077; head -c 32 /dev/urandom | base64 > {path})", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"cannot read the secret file {path}: {e.Message}; make it readable for the daemon's user", e);
        }
    }

    /// <summary>Whether a question carries it, exactly once. Takes the same time for every wrong one of the right length.</summary>
    public bool IsIn(IHeaderDictionary question) =>
        question.TryGetValue(AnswerHeaders.Secret, out var values) && values is [{ } told]
        && CryptographicOperations.FixedTimeEquals(Encoding.Latin1.GetBytes(told), _secret);

    // One more than the limit and the line end, to tell a file that is too long without reading all of it.
    private static byte[] Read(FileStream file, string path)
    {
        var buffer = new byte[MaxLength + 3];
        var content = buffer.AsSpan(0, file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)).TrimEnd(" \r\n"u8);
        if (content.Length is < MinLength or > MaxLength)
        {
            var length = content.Length > MaxLength ? $"more than {MaxLength}" : $"{content.Length}";
            throw new IOException($"the secret in {path} has {length} characters; {MinLength} to {MaxLength} are allowed");
        }

        return content.ContainsAnyExceptInRange((byte)'!', (byte)'~')
            ? throw new IOException(
                $"the secret in {path} has characters that a header cannot carry everywhere; use visible ASCII, for example base64")
            : content.ToArray();
    }
}
