# One image, every app; the command chooses. See docker-compose.yml.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build --chown=node:node /app/package.json ./
COPY --from=build --chown=node:node /app/node_modules node_modules
COPY --from=build --chown=node:node /app/dist dist
COPY --from=build --chown=node:node /app/bin bin
COPY --from=build --chown=node:node /app/assets assets
COPY --from=build --chown=node:node /app/audits audits
RUN mkdir /data /transparency && chown node:node /data /transparency
USER node
ENV NODE_OPTIONS=--max-semi-space-size=8
ENV NEXTMODEL_DATA_DIR=/data NEXTMODEL_HOST=0.0.0.0
EXPOSE 8080 8123
CMD ["node", "dist/apps/gateway/src/main.js"]
