using Konstruct.LocalServers;

return await ServerCommand.RunAsync(args);
