using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>What the http front end logs. Ids 3000–3099.</summary>
internal static partial class Log
{
    [LoggerMessage(3000, LogLevel.Error, "listener {Listener} was asked wrongly: {Problem}; {More} more since the last such line")]
    public static partial void Plumbing(ILogger logger, string listener, string problem, long more);

    [LoggerMessage(3001, LogLevel.Debug, "request {Request} ({Exchange}) is refused: {Problem}")]
    public static partial void Malformed(ILogger logger, string? request, string exchange, string problem);

    [LoggerMessage(3002, LogLevel.Warning, "the reply that {Agent} gave to exchange {Exchange} is too long for a token of {Limit} "
        + "characters; the default page of status {Status} is shown instead; {More} more since the last such line")]
    public static partial void ReplyTooLong(ILogger logger, string? agent, string exchange, int limit, int status, long more);

    [LoggerMessage(3003, LogLevel.Warning, "listener {Listener} was asked for a reply by a token that is {State}; the default page is "
        + "shown; {More} more since the last such line")]
    public static partial void BadToken(ILogger logger, string listener, ReplyTokenState state, long more);

    [LoggerMessage(3004, LogLevel.Warning, "listener {Listener} was asked without the secret or with another one, and refused: set the "
        + "header {Header} to what {File} holds, in the proxy's configuration; {More} more since the last such line")]
    public static partial void Unauthorized(ILogger logger, string listener, string header, string file, long more);

    [LoggerMessage(3005, LogLevel.Error, "listener {Listener} could not answer; the request is refused")]
    public static partial void AnswerFailed(ILogger logger, string listener, Exception error);
}
