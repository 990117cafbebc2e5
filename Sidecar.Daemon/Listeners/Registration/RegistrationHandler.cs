using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners.Registration;

/// <summary>Takes one accepted socket from its first byte to its agent's pool, or to the door (spec §8). Safe from any thread.</summary>
/// <remarks>
/// All limits are decided before success is told; request and answer share one deadline; every attempt is counted once, by how it ended.
/// </remarks>
internal sealed class RegistrationHandler(
    ReverseListenerOptions options, RegistrationRules rules, SidecarMetrics metrics, TimeProvider time, ILogger logger)
{
    // Capabilities, a token and some free facts: a hundredth of it is usual.
    private const int MaxRequestLength = 64 * 1024;

    private readonly LogThrottle _throttle = new(time);

    /// <summary>Registers the peer and owns its socket. Never throws.</summary>
    /// <param name="accepted">As it was accepted.</param>
    /// <param name="stopping">Ends the attempt because the listener stops.</param>
    /// <returns>Whether it is its agent's now.</returns>
    public async Task<bool> RegisterAsync(AcceptedSocket accepted, CancellationToken stopping)
    {
        using var limit = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stopping);
        var kept = false;
        try
        {
            kept = await TryRegisterAsync(accepted, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Count(stopping.IsCancellationRequested
                ? new Refusal(RegistrationOutcome.Stopping, "the listener is being stopped")
                : new Refusal(
                    RegistrationOutcome.TimedOut, $"the registration was not complete within {options.Timeout.TotalSeconds:0.###} s"));
        }
        catch (SocketException e)
        {
            Count(new Refusal(RegistrationOutcome.Gone, $"the peer was gone before it was answered: {e.Message}"));
        }
        catch (Exception e)
        {
            metrics.Registered(options.Name, RegistrationOutcome.Failed.Label());
            if (_throttle.MayLog(RegistrationOutcome.Failed.Label(), out var leftOut))
            {
                Log.RegistrationFailed(logger, options.Name, leftOut, e);
            }
        }
        finally
        {
            if (!kept)
            {
                accepted.Socket.Dispose();
            }
        }

        return kept;
    }

    /// <summary>Sends a peer away before it has said anything, and owns its socket. Never throws, and does not wait for the peer.</summary>
    public void TurnAway(AcceptedSocket accepted, Refusal refusal)
    {
        Count(refusal);
        accepted.CloseWith(RegistrationAnswers.Refused(refusal.Error, options.ProxyVersion));
    }

    // True when the socket belongs to the agent's pool now.
    private async Task<bool> TryRegisterAsync(AcceptedSocket accepted, CancellationToken deadline)
    {
        var socket = accepted.Socket;
        var frame = await ReadAsync(socket, deadline).ConfigureAwait(false);
        if (Unanswered(frame) is { } silent)
        {
            Count(silent);
            return false;
        }

        if (frame.Type == RegistrationAnswers.DialectRRequest)
        {
            var dialect = new Refusal(RegistrationOutcome.BadDialect, "the request-id dialect (registration of type 0x03, version 2 of the "
                + "Go and Kotlin SDKs) is not spoken yet, dialled or not: use a build of the agent that registers with type 0x01");
            await RefuseAsync(socket, dialect, RegistrationAnswers.RefusedDialectR(dialect.Error), deadline).ConfigureAwait(false);
            return false;
        }

        RegistrationRequest request;
        try
        {
            request = HandshakeCodec.ReadRegistrationRequest(frame.Payload);
        }
        catch (ProtocolException e)
        {
            Count(new Refusal(RegistrationOutcome.Undecodable, e.Message));
            return false;
        }

        if (!rules.TryAdmit(request, out var agent, out var slot, out var refusal))
        {
            await RefuseAsync(
                socket, refusal, RegistrationAnswers.Refused(refusal.Error, options.ProxyVersion), deadline).ConfigureAwait(false);
            return false;
        }

        return await LetInAsync(accepted, request, agent, slot, deadline).ConfigureAwait(false);
    }

    private async Task RefuseAsync(Socket socket, Refusal refusal, byte[] answer, CancellationToken deadline)
    {
        Count(refusal);
        try
        {
            await SendAsync(socket, answer, deadline).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // It is counted by why it was refused, whether or not it heard it.
        }
    }

    private async Task<bool> LetInAsync(
        AcceptedSocket accepted, RegistrationRequest request, RegisteredConnections agent, RegistrationSlot slot,
        CancellationToken deadline)
    {
        var isIn = false;
        try
        {
            var id = $"{agent.AgentId}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
            await SendAsync(accepted.Socket, RegistrationAnswers.Accepted(id, options.ProxyVersion), deadline).ConfigureAwait(false);

            // The pool may be done with it before we are.
            accepted.Detach();
            isIn = agent.TryHand(new PendingRegistration(id, accepted.Socket, request.Capabilities, slot));
            if (isIn)
            {
                metrics.Registered(options.Name, RegistrationOutcome.Accepted.Label());
                Log.Registered(logger, agent.AgentId, options.Name, id);
            }
            else
            {
                Count(new Refusal(RegistrationOutcome.Stopping, $"the connections to agent '{agent.AgentId}' are being closed"));
            }

            return isIn;
        }
        finally
        {
            if (!isIn)
            {
                slot.Dispose();
            }
        }
    }

    // What the protocol has no answer for: the connection is closed without one.
    private static Refusal? Unanswered(OpeningFrame frame) => frame.End switch
    {
        FrameConnectionEnd.None when frame.Type is MessageType.HandshakeRequest or RegistrationAnswers.DialectRRequest => null,
        FrameConnectionEnd.None =>
            new Refusal(RegistrationOutcome.BadType, $"the first frame has type 0x{(byte)frame.Type:x2}, expected 0x01 (registration)"),
        FrameConnectionEnd.ZeroLengthFrame or FrameConnectionEnd.FrameTooLong => new Refusal(RegistrationOutcome.BadLength, frame.Problem),
        _ => new Refusal(RegistrationOutcome.Gone, frame.Problem),
    };

    private static async Task<OpeningFrame> ReadAsync(Socket socket, CancellationToken deadline)
    {
        var stream = new NetworkStream(socket, ownsSocket: false);
        await using (stream.ConfigureAwait(false))
        {
            return await OpeningFrame.ReadAsync(stream, MaxRequestLength, deadline).ConfigureAwait(false);
        }
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> frame, CancellationToken deadline)
    {
        while (frame.Length > 0)
        {
            frame = frame[await socket.SendAsync(frame, SocketFlags.None, deadline).ConfigureAwait(false)..];
        }
    }

    private void Count(Refusal refusal)
    {
        metrics.Registered(options.Name, refusal.Outcome.Label());
        if (_throttle.MayLog(refusal.Outcome.Label(), out var leftOut))
        {
            Log.Refused(logger, options.Name, refusal.Outcome.Label(), refusal.Error, leftOut);
        }
    }
}
