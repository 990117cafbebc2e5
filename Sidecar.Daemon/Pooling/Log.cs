using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>What pools log. Ids 1100–1199.</summary>
internal static partial class Log
{
    [LoggerMessage(1100, LogLevel.Information, "agent {Agent} is reachable: {Reason}")]
    public static partial void Reachable(ILogger logger, string agent, string reason);

    [LoggerMessage(1101, LogLevel.Warning, "agent {Agent} is not reachable: {Reason}; trying for ever")]
    public static partial void Unreachable(ILogger logger, string agent, string reason);

    [LoggerMessage(1102, LogLevel.Warning, "a connection to agent {Agent} is replaced: {Reason}")]
    public static partial void Replaced(ILogger logger, string agent, string reason);

    [LoggerMessage(1103, LogLevel.Debug, "agent {Agent} reports health {Health} on connection {Connection}: {Message}")]
    public static partial void Health(ILogger logger, string agent, HealthState health, string connection, string? message);

    [LoggerMessage(1104, LogLevel.Debug, "agent {Agent} asks to {Action} on connection {Connection}")]
    public static partial void FlowControl(ILogger logger, string agent, FlowAction action, string connection);

    [LoggerMessage(1106, LogLevel.Warning, "agent {Agent} had {Calls} calls in flight when its connections were closed; they may take {Limit} and are cancelled")]
    public static partial void NotDrained(ILogger logger, string agent, int calls, TimeSpan limit);

    [LoggerMessage(1107, LogLevel.Error, "keeping connections to agent {Agent} failed; going on")]
    public static partial void KeeperFailed(ILogger logger, string agent, Exception error);

    [LoggerMessage(1108, LogLevel.Warning, "agent {Agent} comes and goes: more than {Limit} changes within a minute; further ones of this minute are not logged")]
    public static partial void Flapping(ILogger logger, string agent, int limit);

    [LoggerMessage(1109, LogLevel.Information, "agent {Agent} is {State}, it was {Before}: {Reason}")]
    public static partial void Changed(ILogger logger, string agent, PoolState state, PoolState before, string reason);

    [LoggerMessage(1110, LogLevel.Warning, "agent {Agent} is {State}, it was {Before}: {Reason}")]
    public static partial void Worse(ILogger logger, string agent, PoolState state, PoolState before, string reason);

    [LoggerMessage(1111, LogLevel.Warning, "endpoint {Endpoint} of agent {Agent} is left alone for now, the others carry its share: {Reason}")]
    public static partial void EndpointLost(ILogger logger, string agent, string endpoint, string reason);

    [LoggerMessage(1112, LogLevel.Information, "a connection to agent {Agent} moves back to endpoint {Endpoint}")]
    public static partial void MovedHome(ILogger logger, string agent, string endpoint);

    [LoggerMessage(1113, LogLevel.Debug, "connection {Connection} to agent {Agent} takes no new exchanges after {Errors} errors in a row")]
    public static partial void Ejected(ILogger logger, string agent, string connection, int errors);

    [LoggerMessage(1114, LogLevel.Debug, "connection {Connection} to agent {Agent} takes new exchanges again")]
    public static partial void Readmitted(ILogger logger, string agent, string connection);

    [LoggerMessage(1116, LogLevel.Error, "agent {Agent} is incompatible, and is dialled every {Seconds} s only: {Reason}")]
    public static partial void Incompatible(ILogger logger, string agent, double seconds, string reason);

    [LoggerMessage(1115, LogLevel.Warning, "the circuit breaker of agent {Agent} is {State}: {Reason}")]
    public static partial void Breaker(ILogger logger, string agent, BreakerState state, string reason);
}
